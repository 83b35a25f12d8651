/*-------------------------------------------------------------------------
 *
 * last_used.c
 *		Uses of tokens that have yet to be written; see last_used.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache.h"
#include "common/hashfn.h"
#include "last_used.h"
#include "seqlock.h"

#define TOKENS_PER_SLOT		8	/* one for so many tokens in the cache */
#define MIN_SLOTS			1024

typedef enum SlotState
{
	SLOT_EMPTY,
	SLOT_FULL
} SlotState;

typedef struct UseSlot
{
	SlotLock	lock;			/* a SlotState, or SLOT_BUSY */
	uint8		tries;			/* to write it, in vain */
	UsedToken	token;
	TimestampTz at;
} UseSlot;

StaticAssertDecl(sizeof(UseSlot) == 64, "a use should take one cache line");

typedef struct LastUsedShared
{
	Latch	   *writer;			/* in a PGPROC, so always there to be set */
	char		pad[64 - sizeof(Latch *)];
	UseSlot		slot[FLEXIBLE_ARRAY_MEMBER];
} LastUsedShared;

static LastUsedShared *shared = NULL;
static uint32 slot_mask = 0;

static uint32
slot_count(void)
{
	uint64		wanted = cache_planned_capacity() / TOKENS_PER_SLOT;
	uint32		count = MIN_SLOTS;

	while (count < wanted && count < PG_INT32_MAX / 2)
		count *= 2;
	return count;
}

Size
last_used_shmem_size(void)
{
	return add_size(offsetof(LastUsedShared, slot) + PG_CACHE_LINE_SIZE,
					mul_size(slot_count(), sizeof(UseSlot)));
}

void
last_used_shmem_init(void *area, bool found)
{
	shared = (LastUsedShared *) CACHELINEALIGN(area);
	slot_mask = slot_count() - 1;
	if (found)
		return;

	memset(area, 0, last_used_shmem_size());
	for (uint32 i = 0; i <= slot_mask; i++)
		pg_atomic_init_u32(&shared->slot[i].lock, SLOT_EMPTY);
}

static uint32
first_slot(const UsedToken *token)
{
	return hash_combine(hash_bytes((const unsigned char *) token->key,
								   token->key_len),
						murmurhash32(token->relation));
}

static bool
same_token(const UsedToken *a, const UsedToken *b)
{
	return a->relation == b->relation && a->database == b->database &&
		a->by_id == b->by_id && a->key_len == b->key_len &&
		memcmp(a->key, b->key, a->key_len) == 0;
}

/* A slot of the window of a token. */
static UseSlot *
window_slot(uint32 first, int i)
{
	return &shared->slot[(first + i) & slot_mask];
}

/* Take a slot in which a token's use stands; false if it does not. */
static bool
take_slot_of(UseSlot *slot, const UsedToken *token)
{
	/* the first look may see a torn token, which the second corrects */
	if (slot_state(&slot->lock) != SLOT_FULL ||
		!same_token(&slot->token, token) ||
		!slot_try_take(&slot->lock, SLOT_FULL))
		return false;
	if (same_token(&slot->token, token))
		return true;
	slot_release(&slot->lock, SLOT_FULL);
	return false;
}

/* Put a use in a slot, if it is free or the token's already. */
static bool
note_in(UseSlot *slot, const UsedToken *token, TimestampTz at)
{
	if (slot_try_take(&slot->lock, SLOT_EMPTY))
	{
		slot->token = *token;
		slot->at = at;
		slot->tries = 0;
	}
	else if (take_slot_of(slot, token))
		slot->at = Max(slot->at, at);
	else
		return false;
	slot_release(&slot->lock, SLOT_FULL);
	return true;
}

static void
wake_writer(void)
{
	Latch	   *writer = shared->writer;

	if (writer != NULL)
		SetLatch(writer);
}

bool
last_used_note(const UsedToken *token, TimestampTz at)
{
	uint32		first = first_slot(token);
	int			i = 0;

	if (shared == NULL)
		return false;
	while (i < LAST_USED_WINDOW && !note_in(window_slot(first, i), token, at))
		i++;
	/* with so many in a row the map is about half full */
	if (i >= LAST_USED_WINDOW / 2)
		wake_writer();
	return i < LAST_USED_WINDOW;
}

TimestampTz
last_used_noted(const UsedToken *token)
{
	TimestampTz latest = 0;
	uint32		first = first_slot(token);

	for (int i = 0; shared != NULL && i < LAST_USED_WINDOW; i++)
	{
		UseSlot    *slot = window_slot(first, i);

		if (!take_slot_of(slot, token))
			continue;
		latest = Max(latest, slot->at);
		slot_release(&slot->lock, SLOT_FULL);
	}
	return latest;
}

bool
last_used_next(Oid database, Oid relation, uint32 *cursor, NotedUse *use)
{
	while (shared != NULL && *cursor <= slot_mask)
	{
		UseSlot    *slot = &shared->slot[*cursor];

		use->slot = (*cursor)++;
		if (slot_state(&slot->lock) != SLOT_FULL ||
			!slot_try_take(&slot->lock, SLOT_FULL))
			continue;
		use->token = slot->token;
		use->at = slot->at;
		slot_release(&slot->lock, SLOT_FULL);
		if ((!OidIsValid(database) || use->token.database == database) &&
			(!OidIsValid(relation) || use->token.relation == relation))
			return true;
	}
	return false;
}

void
last_used_forget(const NotedUse *use)
{
	UseSlot    *slot = &shared->slot[use->slot];

	if (take_slot_of(slot, &use->token))
		slot_release(&slot->lock, slot->at > use->at ? SLOT_FULL : SLOT_EMPTY);
}

bool
last_used_failed(const NotedUse *use)
{
	UseSlot    *slot = &shared->slot[use->slot];
	bool		given_up;

	if (!take_slot_of(slot, &use->token))
		return false;
	given_up = ++slot->tries >= LAST_USED_TRIES;
	slot_release(&slot->lock, given_up ? SLOT_EMPTY : SLOT_FULL);
	return given_up;
}

uint32
last_used_capacity(void)
{
	return shared != NULL ? slot_mask + 1 : 0;
}

uint32
last_used_count(void)
{
	uint32		count = 0;

	for (uint32 i = 0; i < last_used_capacity(); i++)
		if (slot_state(&shared->slot[i].lock) != SLOT_EMPTY)
			count++;
	return count;
}

void
last_used_set_writer(Latch *latch)
{
	if (shared != NULL)
		shared->writer = latch;
}
