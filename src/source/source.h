/*-------------------------------------------------------------------------
 *
 * source.h
 *		The token tables of this database as this backend knows them.
 *
 * A source is one row of the registry, tokenauth_source, and what follows
 * from it and from the catalogs: which columns mean what, which index finds a
 * token, whether our triggers stand, and a fingerprint of all that.
 *
 * Everything here is local to the backend and kept right by relcache
 * invalidation.  Each source, and the registry as a whole, is in one of three
 * states.  An invalidation sets STALE; a rebuild sets BUILDING, then CURRENT
 * only if it is BUILDING still: else a message that came meanwhile would be
 * lost (core does likewise in evtcache.c).
 *
 * Pointers to a Source stay good until the end of the transaction, even if
 * the registry is read again; then the old one is `retired`.
 *
 * Nothing here may be called without a transaction, but for
 * source_invalidate() and source_end_of_transaction(), which neither read
 * catalogs nor fail.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SOURCE_H
#define TOKENAUTH_SOURCE_H

#include "access/attnum.h"
#include "access/stratnum.h"
#include "base/stats.h"
#include "base/token.h"
#include "cache/verdict.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "source/watch.h"

/* What a column of a token table is to us. */
typedef enum SourceRole
{
	ROLE_TOKEN,
	ROLE_ID,
	ROLE_USER,
	ROLE_TENANT,
	ROLE_SCOPE,
	ROLE_EXPIRES,
	ROLE_REVOKED,
	ROLE_USED,
	ROLE_LAST_USED,
	ROLE_CREATED,
	ROLE_COUNT
} SourceRole;

/* What revoking writes into a status column. */
#define REVOKED_STATUS		"revoked"

/* How the token stands in its column. */
typedef enum StoredAs
{
	STORED_SHA256_HEX,			/* text, lower case */
	STORED_SHA256_BYTEA,
	STORED_PLAINTEXT			/* text */
} StoredAs;

/* What the registry calls them, and the encodings; each ends with NULL. */
extern const char *const source_storages[];
extern const char *const source_encodings[];

typedef enum SourceState
{
	SOURCE_STALE,
	SOURCE_BUILDING,
	SOURCE_CURRENT
} SourceState;

/*
 * Why a source is not cached, or, from PROBLEM_NOT_A_TABLE on, not even
 * readable.  mapping.c has what is said of each.
 */
typedef enum SourceProblem
{
	PROBLEM_NONE,
	PROBLEM_NOT_PERMANENT,
	PROBLEM_NO_TRIGGER,
	PROBLEM_TRIGGER_NOT_ALWAYS,
	PROBLEM_NO_INDEX,
	PROBLEM_STRANGE_TYPE,
	PROBLEM_NO_CLAIM,
	PROBLEM_NOT_A_TABLE,
	PROBLEM_NO_PARENT,
	PROBLEM_INHERITANCE,
	PROBLEM_NO_COLUMN,
	PROBLEM_VIRTUAL_COLUMN,
	PROBLEM_COLUMN_TYPE,
	PROBLEM_TIMEZONE,
	PROBLEM_CONDITION
} SourceProblem;

#define PROBLEM_IS_FATAL(problem)	((problem) >= PROBLEM_NOT_A_TABLE)

typedef struct SourceColumn
{
	char	   *name;			/* from the registry; NULL: no such column */
	AttrNumber	attnum;			/* InvalidAttrNumber: no such column */
	Oid			declared;		/* its type */
	Oid			type;			/* the same; of a domain, its base type */
	ValueKind	kind;			/* for the columns that a verdict carries */
} SourceColumn;

/* How to find rows of a table by one of its columns. */
typedef struct RowFinder
{
	Oid			index;			/* InvalidOid: none, read the whole table */
	bool		unique;
	StrategyNumber strategy;
	Oid			equality;		/* operator's function, for index or table */
	Oid			collation;
} RowFinder;

/* A table that has a row for whom a token belongs to. */
typedef struct SourceParent
{
	/* From the registry; constant. */
	Oid			relation;
	SourceColumn from;			/* of the token table */
	SourceColumn key;			/* of the parent, unique */
	char	   *live_when;		/* NULL: that the row exists is enough */
	TransactionId registry_xmin;

	/* From the catalogs, as below. */
	RowFinder	finder;
	Bitmapset  *matters;
	Node	   *condition;		/* live_when, to be evaluated */
} SourceParent;

#define SOURCE_MAX_PARENTS	CACHE_MAX_CELLS

typedef struct Source
{
	/* From the registry; constant. */
	Oid			relation;
	char	   *name;
	char	   *prefix;			/* NULL: none */
	int			prefix_len;
	bool		prefix_extended;	/* a longer prefix begins with it */
	StoredAs	stored_as;
	TokenEncoding encoding;
	char	   *timezone;		/* of timestamps without one */
	List	   *active_values;	/* of a text revoked column; char * */
	char	   *live_when;		/* NULL: no condition */
	List	   *claims;			/* columns; char * */
	bool		checksum;		/* all its tokens are issued by us */
	Interval   *sliding_ttl;	/* renewed to so much; NULL: not at all */
	Interval   *sliding_threshold;	/* if less than so much is left */
	Interval   *max_lifetime;	/* from creation; NULL: no limit */
	TransactionId registry_xmin;
	int			nparents;
	SourceParent parent[SOURCE_MAX_PARENTS];
	bool		retired;		/* the registry has been read again since */

	/* From the catalogs; good while state is SOURCE_CURRENT. */
	SourceState state;
	SourceProblem problem;
	Oid			problem_relation;	/* which table */
	const char *problem_column; /* which column, condition or time zone */
	const char *problem_detail; /* what the server said; NULL: nothing */
	uint64		fingerprint;
	SourceColumn column[ROLE_COUNT];
	MemoryContext facts;		/* where what follows is kept */
	Watch		watch;			/* what else changes it; the fingerprint */
	Bitmapset  *matters;		/* columns whose change changes the verdict */
	Node	   *condition;		/* live_when, to be evaluated */
	Node	   *claims_object;	/* NULL: none, or they cannot be made */
	pg_tz	   *zone;			/* of timestamps without one */
	RowFinder	finder;
	bool		keeps_last_use; /* in a column of the table */

	/* Derived once. */
	int			gate;
	int			stats_slot;
	StatsCounts *counts;		/* this process's */
} Source;

/* With a time zone or without. */
static inline bool
is_timestamp(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID;
}

/*
 * Bring what is known of the registry up to date, having accepted all
 * invalidation messages.  Must be called before the look-ups below; may
 * throw whatever reading a table may throw.
 */
extern void source_refresh(void);

/* Does a token begin as those of the source do? */
static inline bool
source_has_prefix(const Source *source, const char *token, Size len)
{
	return source->prefix == NULL ||
		(len >= (Size) source->prefix_len &&
		 memcmp(token, source->prefix, source->prefix_len) == 0);
}

/* The OID of tokenauth_changed(), as of the last refresh. */
extern Oid	source_trigger_function(void);

extern Source *source_by_name(const char *name);
extern Source *source_by_relation(Oid relation);
extern List *source_all(void);

/* Is a table in use, as a source or as a parent of one? */
extern bool source_uses_table(Oid relation);

/*
 * The source of a token, by its prefix; the longest one wins.  NULL if there
 * is none; throws if several sources without a prefix could be meant.
 */
extern Source *source_by_token(const char *token, Size len);

/*
 * All sources that it could be of: that of its prefix, and all without a
 * prefix.
 */
extern List *source_candidates(const char *token, Size len);

/*
 * Bring a source's catalog side up to date.  False if its table has been
 * dropped; then the registry is due for a refresh, after which it is gone.
 */
extern bool source_revalidate(Source *source);

static inline bool
source_validate(Source *source)
{
	return source->state == SOURCE_CURRENT || source_revalidate(source);
}

/*
 * The source of a table whose columns cannot change any more until the
 * transaction ends, for AccessShareLock is held on it so long; validated.
 * NULL if it is none any more.  Who names columns in SQL must hold their
 * source: tokenauth_hash_in_place() moves a source to another column.
 */
extern Source *source_hold(const Source *source);

/* Has the registry changed, so that the source must be looked up again? */
extern bool source_is_outdated(const Source *source);

static inline bool
source_is_current(const Source *source)
{
	return source->state == SOURCE_CURRENT && !source->retired;
}

/* May its answers be cached? */
static inline bool
source_is_cacheable(const Source *source)
{
	return source_is_current(source) && source->problem == PROBLEM_NONE;
}

/*
 * Throws 42804 unless values of this column, which has the role of a user or
 * a tenant, can be returned as that type.  source is its source's name.
 */
extern void source_check_type(const char *source, SourceRole role,
							  const SourceColumn *column, Oid wanted);

/*
 * The cell of the parent row with this key: that of the token row's column,
 * or of the parent's.
 */
extern uint16 source_parent_cell(const SourceParent *parent, Datum key);

/* The elements of a text[] or name[] as C strings. */
extern List *source_parse_array(Datum value, bool isnull, Oid type);

/*
 * The digest under which a row is cached, from its token column.  False if
 * no token can ever be found in such a row.
 */
extern bool source_digest_of_value(const Source *source, Datum value,
								   bool isnull, TokenDigest *digest);

/*
 * A relation (InvalidOid: all) has changed.  For the relcache callback: no
 * catalog access, cannot fail.
 */
extern void source_invalidate(Oid relation);

/* Have what changes in the catalogs besides known; once in a process. */
extern void source_init(void);

/* Free what the transaction outlived.  Cannot fail. */
extern void source_end_of_transaction(void);

#endif							/* TOKENAUTH_SOURCE_H */
