/*-------------------------------------------------------------------------
 *
 * last_used.c
 *		Uses of tokens that are not yet written; see last_used.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache/cache.h"
#include "cache/last_used.h"
#include "cache/seqlock.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define TOKENS_PER_SLOT		8	/* one for so many tokens in the cache */
#define MIN_SLOTS			1024

/* As pg_stat_statements keeps its figures; the magic names the layout. */
#define SAVE_FILE			"pg_stat/tokenauth.last_used"
#define SAVE_MAGIC			UINT64CONST(0x746F6B656E617502)

/* So long a start of the writer, or another after its end, may take. */
#define WRITER_STARTS_MS	10000

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
	TimestampTz writer_since;	/* when that was last changed */
	volatile bool scarce;		/* room is; set once for each time that it is */
	char		pad[64 - sizeof(Latch *) - sizeof(TimestampTz) - sizeof(bool)];
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

/* Say what the file could not be used for. */
static void
report_file(const char *problem)
{
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", problem, SAVE_FILE),
			 errdetail("Last uses of tokens that were noted before the server stopped are lost.")));
}

/* Write what is noted behind the header. */
static bool
write_uses(FILE *file)
{
	uint64		magic = SAVE_MAGIC;
	uint32		cursor = 0;
	NotedUse	use;

	memset(&use, 0, sizeof(use));
	if (fwrite(&magic, sizeof(magic), 1, file) != 1)
		return false;
	while (last_used_next(InvalidOid, InvalidOid, &cursor, &use))
		if (fwrite(&use, sizeof(use), 1, file) != 1)
			return false;
	return true;
}

/*
 * A callback of on_shmem_exit, in the postmaster: after a clean stop, keep
 * what the launcher could not write for the next start.
 */
static void
save_uses(int code, Datum arg)
{
	FILE	   *file;
	bool		written;

	if (code != 0 || last_used_count() == 0)
		return;
	file = AllocateFile(SAVE_FILE, PG_BINARY_W);
	if (file == NULL)
	{
		report_file("create");
		return;
	}
	written = write_uses(file);
	if (FreeFile(file) != 0 || !written)
	{
		report_file("write");
		unlink(SAVE_FILE);
	}
}

/* The inverse, at the start.  The file is read once and gone. */
static void
load_uses(void)
{
	FILE	   *file = AllocateFile(SAVE_FILE, PG_BINARY_R);
	uint64		magic;
	NotedUse	use;

	if (file == NULL)
	{
		if (errno != ENOENT)
			report_file("read");
		return;
	}
	if (fread(&magic, sizeof(magic), 1, file) == 1 && magic == SAVE_MAGIC)
		while (fread(&use, sizeof(use), 1, file) == 1)
			if (use.token.key_len <= LAST_USED_KEY_SIZE)
				(void) last_used_note(&use.token, use.at);
	FreeFile(file);
	unlink(SAVE_FILE);
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
	if (!IsUnderPostmaster)
		on_shmem_exit(save_uses, (Datum) 0);
	if (found)
		return;

	memset(area, 0, last_used_shmem_size());
	shared->writer_since = GetCurrentTimestamp();
	for (uint32 i = 0; i <= slot_mask; i++)
		pg_atomic_init_u32(&shared->slot[i].lock, SLOT_EMPTY);
	load_uses();
}

static uint32
first_slot(const UsedToken *token)
{
	return hash_combine(hash_bytes((const unsigned char *) token->key,
								   token->key_len),
						murmurhash32(token->relation ^ token->source));
}

static bool
same_token(const UsedToken *a, const UsedToken *b)
{
	return a->relation == b->relation && a->source == b->source &&
		a->database == b->database &&
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

	if (shared->scarce)
		return;
	shared->scarce = true;
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
		use->tries = slot->tries;
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

	if (!take_slot_of(slot, &use->token))
		return;
	slot->tries = 0;
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

bool
last_used_was_scarce(void)
{
	bool		was = shared != NULL && shared->scarce;

	if (was)
		shared->scarce = false;
	return was;
}

void
last_used_set_writer(Latch *latch)
{
	if (shared != NULL)
	{
		shared->writer = latch;
		shared->writer_since = GetCurrentTimestamp();
	}
}

bool
last_used_lacks_writer(void)
{
	return shared != NULL && shared->writer == NULL &&
		TimestampDifferenceExceeds(shared->writer_since, GetCurrentTimestamp(),
								   WRITER_STARTS_MS);
}
