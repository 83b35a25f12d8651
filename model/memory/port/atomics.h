/*-------------------------------------------------------------------------
 *
 * atomics.h
 *		Stands in for PostgreSQL's header of that name, for what of it
 *		src/cache/seqlock.h uses, in ../seqlock.cpp.
 *
 * Each is what core makes of it with gcc or clang, in the C11 memory model;
 * with full_barriers, a read-modify-write is what core's comments say of it, a
 * full barrier.  The compilers do not keep that promise on ARM before 8.1.
 *
 * without names a function of seqlock.h that is run as if it had no barriers:
 * they are left out, and its read-modify-writes are relaxed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef ATOMICS_H
#define ATOMICS_H

typedef unsigned int uint32;
typedef unsigned long uint64;
typedef rl::atomic<uint32> pg_atomic_uint32;
typedef rl::atomic<uint64> pg_atomic_uint64;

#define PG_UINT32_MAX	0xFFFFFFFFu

static bool full_barriers = false;
static const char *without = "";

#define BARE		(strcmp(__func__, without) == 0)

static inline void
barrier(bool bare, rl::memory_order order, rl::debug_info_param info)
{
	if (!bare)
		rl::atomic_thread_fence(order, info);
}

#define pg_read_barrier()	barrier(BARE, rl::mo_acquire, $)
#define pg_write_barrier()	barrier(BARE, rl::mo_release, $)
#define pg_memory_barrier() barrier(BARE, rl::mo_seq_cst, $)

#define pg_atomic_read_u32(p)	(p)->load(rl::mo_relaxed, $)
#define pg_atomic_read_u64(p)	(p)->load(rl::mo_relaxed, $)

/* A read-modify-write, and around it what its order lacks. */
#define RMW_BARRIER(bare)	barrier((bare) || !full_barriers, rl::mo_seq_cst, $)
#define RMW_ORDER(bare)		((bare) ? rl::mo_relaxed : rl::mo_seq_cst)

template<typename T> static inline bool
compare_exchange(bool bare, rl::atomic<T> *p, T *expected, T to)
{
	bool		done;

	RMW_BARRIER(bare);
	done = p->compare_exchange_strong(*expected, to, RMW_ORDER(bare), $);
	RMW_BARRIER(bare);
	return done;
}

template<typename T> static inline T
fetch_add(bool bare, rl::atomic<T> *p, T by)
{
	T			old;

	RMW_BARRIER(bare);
	old = p->fetch_add(by, RMW_ORDER(bare), $);
	RMW_BARRIER(bare);
	return old;
}

template<typename T> static inline T
exchange(bool bare, rl::atomic<T> *p, T to)
{
	T			old;

	RMW_BARRIER(bare);
	old = p->exchange(to, RMW_ORDER(bare), $);
	RMW_BARRIER(bare);
	return old;
}

#define pg_atomic_compare_exchange_u32(p, e, v) compare_exchange<uint32>(BARE, p, e, v)
#define pg_atomic_compare_exchange_u64(p, e, v) compare_exchange<uint64>(BARE, p, e, v)
#define pg_atomic_fetch_add_u32(p, v)	fetch_add<uint32>(BARE, p, v)
#define pg_atomic_fetch_sub_u32(p, v)	fetch_add<uint32>(BARE, p, (uint32) -(v))
#define pg_atomic_add_fetch_u64(p, v)	(fetch_add<uint64>(BARE, p, v) + (v))
#define pg_atomic_exchange_u32(p, v)	exchange<uint32>(BARE, p, v)

#endif							/* ATOMICS_H */
