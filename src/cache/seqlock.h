/*-------------------------------------------------------------------------
 *
 * seqlock.h
 *		The five shared-memory primitives of tokenauth, and the only place in
 *		it that has memory barriers.
 *
 * SeqLock: a counter beside data that many read and few write.  Odd: a writer
 * is at work.  A writer must not fail, wait or be interrupted between
 * seqlock_try_write() and seqlock_write_end().  A reader copies the data
 * between seqlock_read_begin() and seqlock_read_end() and uses the copy only
 * if the latter says so; until then the copy may be torn, so no length or
 * offset in it may be followed unchecked.  The idea is that of
 * st_changecount in core's backend_status.h, with the difference that
 * writers compete: they take the odd state by compare-and-swap, once, and give
 * up if that fails, because publishing may always be left out.
 *
 * Clock: a 64-bit counter.  Its readings order events of different backends.
 *
 * Fence: a count of transactions that are between "about to commit" and "has
 * raised the floor".  While it is not 0, nothing behind it is believed.
 *
 * Floor: a clock reading below which nothing behind it is believed.  It only
 * rises.
 *
 * SlotLock: the state of a small piece of data, or that it is taken.  A process
 * takes it from a state that it expects, once, and gives up if that fails.
 * As with a SeqLock, the holder must not fail, wait or be interrupted.
 *
 * Protocol of clock, fence and floor, proved in step 1 of doc/coherence.md:
 *
 *	committer	fence_raise(); ...the change becomes visible...;
 *				floor_raise(clock_tick()); fence_lift()
 *	filler		stamp = clock_read(); ...takes a snapshot, reads...; publishes
 *	reader		fence_read(); floor_read(); reads the entry, in this order
 *
 * That a read-modify-write is a full barrier is what core's atomics.h promises.
 * "A model" of doc/coherence.md says which barriers pair, and where compilers
 * for ARM do not keep that promise; model/memory runs this file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SEQLOCK_H
#define TOKENAUTH_SEQLOCK_H

#include "port/atomics.h"

typedef pg_atomic_uint32 SeqLock;
typedef pg_atomic_uint64 SharedClock;
typedef pg_atomic_uint32 Fence;
typedef pg_atomic_uint64 Floor;
typedef pg_atomic_uint32 SlotLock;

#define SLOT_BUSY	PG_UINT32_MAX

/* Start to read; false while a writer is at work. */
static inline bool
seqlock_read_begin(SeqLock *lock, uint32 *sequence)
{
	*sequence = pg_atomic_read_u32(lock);
	pg_read_barrier();			/* the data only after the sequence */
	return (*sequence & 1) == 0;
}

/* Done reading; true if there was no writer meanwhile: the copy is whole. */
static inline bool
seqlock_read_end(SeqLock *lock, uint32 sequence)
{
	pg_read_barrier();			/* the data before the second look */
	return pg_atomic_read_u32(lock) == sequence;
}

/* Become the writer, or return false if there is one.  Never waits. */
static inline bool
seqlock_try_write(SeqLock *lock)
{
	uint32		sequence = pg_atomic_read_u32(lock);

	if (sequence & 1)
		return false;
	if (!pg_atomic_compare_exchange_u32(lock, &sequence, sequence + 1))
		return false;

	/*
	 * Nothing that we do next is seen, or done, before the odd sequence.
	 * Compilers for ARM do not make the full barrier of a compare-and-swap
	 * that core promises.
	 */
	pg_memory_barrier();
	return true;
}

static inline void
seqlock_write_end(SeqLock *lock)
{
	/* a full barrier: no store of ours is seen after the even sequence */
	pg_atomic_fetch_add_u32(lock, 1);
}

/*
 * The clock before anything the caller does next.  A reading that is too old
 * only makes an entry less believed, so the barrier is needed on one side.
 */
static inline uint64
clock_read(SharedClock *clock)
{
	uint64		now = pg_atomic_read_u64(clock);

	pg_memory_barrier();
	return now;
}

/* Advance the clock; the new reading is larger than all read before. */
static inline uint64
clock_tick(SharedClock *clock)
{
	return pg_atomic_add_fetch_u64(clock, 1);	/* full barrier */
}

static inline void
fence_raise(Fence *fence)
{
	pg_atomic_fetch_add_u32(fence, 1);	/* full barrier */
}

static inline void
fence_lift(Fence *fence)
{
	pg_atomic_fetch_sub_u32(fence, 1);	/* full barrier: floors first */
}

/*
 * A reader looks at all fences of an answer, then calls fences_read() once,
 * then reads the floors; likewise for floors_read() and the entry.
 */
static inline bool
fence_is_up(Fence *fence)
{
	return pg_atomic_read_u32(fence) != 0;
}

static inline void
fences_read(void)
{
	pg_read_barrier();
}

static inline uint64
floor_read(Floor *floor)
{
	return pg_atomic_read_u64(floor);
}

static inline void
floors_read(void)
{
	pg_read_barrier();
}

/*
 * Two committers may bring their readings in either order, so this takes the
 * maximum; a plain store would let the lower one win.
 */
static inline void
floor_raise(Floor *floor, uint64 to)
{
	uint64		old = pg_atomic_read_u64(floor);

	while (old < to && !pg_atomic_compare_exchange_u64(floor, &old, to))
		;						/* old was reloaded */
	pg_memory_barrier();		/* the caller may look for what came before */
}

/* A look at the state, which may have changed since. */
static inline uint32
slot_state(SlotLock *lock)
{
	return pg_atomic_read_u32(lock);
}

/* Take a slot that is in a state, or return false.  Never waits. */
static inline bool
slot_try_take(SlotLock *lock, uint32 state)
{
	return pg_atomic_compare_exchange_u32(lock, &state, SLOT_BUSY);
}

/* Give it back in a state: a full barrier, so all that was stored is seen. */
static inline void
slot_release(SlotLock *lock, uint32 state)
{
	pg_atomic_exchange_u32(lock, state);
}

#endif							/* TOKENAUTH_SEQLOCK_H */
