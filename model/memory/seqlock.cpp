/*
 * seqlock.cpp
 *		src/cache/seqlock.h in the C11 memory model, by Relacy, which runs a few
 *		threads in every order, and lets a load that nothing forbids it return
 *		what was stored before the last.
 *
 * ../check compiles the header itself, with port/atomics.h for core's atomics.
 * Fences and floors are not in it.  What is copied as plain
 * memory are relaxed loads and stores here, word by word.
 *
 *	seqlock TEST [FUNCTION]		without the barriers of that function
 *	seqlock -f TEST [FUNCTION]	read-modify-writes are full barriers
 *
 * Exits with 0 if what the test asserts holds in all executions, with 1 if not.
 * The tests, and the functions whose barriers they need:
 *
 *	window	seqlock_read_begin, seqlock_read_end, seqlock_try_write,
 *			seqlock_write_end
 *	slot	slot_try_take, slot_release
 *	flush	seqlock_try_write, floor_raise, seqlock_read_begin
 *
 * Flush has too many executions to look at all, so ../check looks only for its
 * faults.  See "A model" of doc/coherence.md.
 */
#include <cstring>
#include <relacy/relacy.hpp>
#include "cache/seqlock.h"

#define LOAD(x)		(x).load(rl::mo_relaxed, $)
#define STORE(x, v) (x).store(v, rl::mo_relaxed, $)

/* A copy that is said to be whole is. */
struct window : rl::test_suite<window, 2>
{
	SeqLock		lock;
	rl::atomic<uint32> left;
	rl::atomic<uint32> right;

	void before()
	{
		STORE(lock, 0);
		STORE(left, 0);
		STORE(right, 0);
	}

	void write(uint32 to)
	{
		if (!seqlock_try_write(&lock))
			return;
		STORE(left, to);
		STORE(right, to);
		seqlock_write_end(&lock);
	}

	void read()
	{
		uint32		sequence;
		uint32		l;
		uint32		r;

		if (!seqlock_read_begin(&lock, &sequence))
			return;
		l = LOAD(left);
		r = LOAD(right);
		if (seqlock_read_end(&lock, sequence))
			RL_ASSERT(l == r);
	}

	void thread(unsigned me)
	{
		if (me == 0)
			write(1);
		else
			read();
	}
};

/* A fill from before a flush is skipped by it or found: see walk.c. */
struct flush : rl::test_suite<flush, 2>
{
	SharedClock clock;
	Floor		publish;
	SeqLock		lock;
	rl::atomic<uint32> stamp;
	uint64		low;
	bool		found;

	void before()
	{
		STORE(clock, 1);
		STORE(publish, 0);
		STORE(lock, 0);
		STORE(stamp, 0);
		found = false;
	}

	void flush_all()
	{
		uint64		now = clock_tick(&clock);
		uint32		sequence;
		uint32		copy;

		floor_raise(&publish, now);
		for (;;)
		{
			if (seqlock_read_begin(&lock, &sequence))
			{
				copy = LOAD(stamp);
				if (seqlock_read_end(&lock, sequence))
					break;
			}
			rl::yield(1, $);
		}
		found = copy != 0;
	}

	void fill()
	{
		if (!seqlock_try_write(&lock))
			return;
		if (1 >= floor_read(&publish))
			STORE(stamp, 1);
		seqlock_write_end(&lock);
	}

	void thread(unsigned me)
	{
		if (me == 0)
			flush_all();
		else
			fill();
	}

	void after()
	{
		RL_ASSERT(found || LOAD(stamp) == 0);
	}
};

/* What a slot holds is its holder's alone; here it is plain memory. */
struct slot : rl::test_suite<slot, 2>
{
	SlotLock	lock;
	rl::var<uint32> data;

	void before()
	{
		STORE(lock, 0);
		data($) = 0;
	}

	void thread(unsigned me)
	{
		if (slot_state(&lock) == 0 && slot_try_take(&lock, 0))
		{
			data($) = data($) + 1;
			slot_release(&lock, 0);
		}
	}
};

template<typename test> static int
run(void)
{
	rl::test_params params;

	params.search_type = rl::sched_full;
	params.iteration_count = 100000000;
	params.execution_depth_limit = 200;
	return rl::simulate<test>(params) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-f") == 0)
	{
		full_barriers = true;
		argv++;
		argc--;
	}
	if (argc < 2)
		return 2;
	if (argc > 2)
		without = argv[2];
	if (strcmp(argv[1], "window") == 0)
		return run<window>();
	if (strcmp(argv[1], "flush") == 0)
		return run<flush>();
	if (strcmp(argv[1], "slot") == 0)
		return run<slot>();
	return 2;
}
