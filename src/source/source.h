/*-------------------------------------------------------------------------
 *
 * source.h
 *		What a token table means.
 *
 * A source is one row of the registry (registry.h), and what follows from it
 * and from the catalogs (mapping.h): which columns mean what, which index
 * finds a token, whether our triggers stand, and a fingerprint of all that.
 * directory.h finds sources and keeps them up to date; hold.h locks them against
 * DDL; value.h reads values of their columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SOURCE_H
#define TOKENAUTH_SOURCE_H

#include "access/attnum.h"
#include "access/stratnum.h"
#include "base/hash.h"
#include "base/source_id.h"
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
#include "storage/itemptr.h"

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

/* How the token stands in its column: itself (HASH_NONE), or its digest. */
typedef struct StoredAs
{
	TokenHash	hash;
	StoredForm	form;
	bool		is_hmac;		/* made with a pepper as its key */
} StoredAs;

/* What of a presented token is stored, or hashed. */
typedef enum TokenPartKind
{
	PART_WHOLE,
	PART_AFTER_PREFIX,
	PART_AFTER,					/* the first separator */
	PART_BEFORE
} TokenPartKind;

typedef struct TokenPart
{
	TokenPartKind kind;
	char	   *separator;
	bool		if_any;			/* the whole, where there is no separator */
} TokenPart;

/* How tokenauth_revoke() and its kin revoke. */
typedef enum OnRevoke
{
	ON_REVOKE_FLAG,				/* the revoked column is set */
	ON_REVOKE_DELETE,			/* the row is deleted */
	ON_REVOKE_FORGET,			/* the token column is set to NULL */
	ON_REVOKE_NOTHING			/* they cannot */
} OnRevoke;

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
	PROBLEM_TRIGGER_FUNCTION,
	PROBLEM_NO_TRIGGER,
	PROBLEM_TRIGGER_NOT_ALWAYS,
	PROBLEM_NO_INDEX,
	PROBLEM_STRANGE_TYPE,
	PROBLEM_NO_CLAIM,
	PROBLEM_NOT_A_TABLE,
	PROBLEM_NO_TABLE,
	PROBLEM_REGISTRY_ROW,
	PROBLEM_UNGUARDED,
	PROBLEM_NO_TRIGGERS,
	PROBLEM_SWAPPED,
	PROBLEM_NO_PARENT,
	PROBLEM_INHERITANCE,
	PROBLEM_NO_COLUMN,
	PROBLEM_VIRTUAL_COLUMN,
	PROBLEM_COLUMN_TYPE,
	PROBLEM_EXPRESSION_TYPE,
	PROBLEM_TELLS_TOKENS,
	PROBLEM_COLLATION,
	PROBLEM_TIMEZONE,
	PROBLEM_PEPPER,
	PROBLEM_CONDITION,
	PROBLEM_EXPRESSION
} SourceProblem;

#define PROBLEM_IS_FATAL(problem)	((problem) >= PROBLEM_NOT_A_TABLE)

typedef struct SourceColumn
{
	char	   *name;			/* from the registry; NULL: no such column */
	char	   *expression;		/* in its place, over the row; or NULL */
	AttrNumber	attnum;			/* InvalidAttrNumber: no such column */
	Oid			declared;		/* its type */
	Oid			type;			/* the same; of a domain, its base type */
	ValueKind	kind;			/* for the columns that a verdict carries */
	Node	   *node;			/* the expression, to be evaluated */
	bool		is_exact;		/* its collation calls nothing equal that is not
								 * the same to the byte */
} SourceColumn;

/*
 * A column before that of the token in an index, and what the live_when fixes it to
 * (fixed.h).
 */
typedef struct FixedKey
{
	AttrNumber	attnum;			/* of the table */
	bool		is_null;		/* IS NULL; only attnum counts then */
	Oid			operator;		/* its equality with such a value, */
	Oid			equality;		/* that operator's function */
	Oid			subtype;		/* and the right argument, as the index declares it */
	Oid			collation;
	Oid			type;			/* of the value */
	Datum		value;
	bool		by_value;
	int			length;
} FixedKey;

#define FINDER_MAX_FIXED	4

/* How to find rows of a table by one of its columns. */
typedef struct RowFinder
{
	Oid			index;			/* InvalidOid: none, read the whole table */
	bool		unique;			/* no two rows have a value; */
	bool		finds_one;		/* nor do two of those that it finds */
	StrategyNumber strategy;
	Oid			equality;		/* operator's function, for index or table */
	Oid			collation;
	int			nfixed;			/* columns before this one, in their order */
	FixedKey	fixed[FINDER_MAX_FIXED];
} RowFinder;

#define VIA_TOKEN		(-1)

/*
 * A table whose row a token depends on: the row that the token's refers to, or that
 * the row of another parent refers to.  It may say what the token's row could: in
 * the roles of the user, the tenant and the expiry alone.
 */
typedef struct SourceParent
{
	/* From the registry; constant. */
	Oid			relation;		/* InvalidOid: it was not there in a restore */
	char	   *name;			/* as Source's relation_name */
	Oid			owner;			/* who vouched for its expressions */
	char	   *of;				/* path of the parent that refers to it; or NULL */
	char	   *path;			/* the columns that lead to it, with dots between */
	int			via;			/* that parent, which comes before; or VIA_TOKEN */
	SourceColumn from;			/* of the token table, or of that parent's */
	SourceColumn key;			/* of the parent, unique */
	char	   *live_when;		/* NULL: that the row exists is enough */
	SourceColumn column[ROLE_COUNT];

	/* From the catalogs, as below. */
	RowFinder	finder;
	Bitmapset  *matters;
	Node	   *condition;		/* live_when, to be evaluated */
} SourceParent;

#define SOURCE_MAX_PARENTS	CACHE_MAX_CELLS

/* An entry stands behind the cell of each value that the token can have. */
#define SOURCE_MAX_PEPPERS	CACHE_MAX_CELLS

typedef struct Source
{
	/* From the registry, and checked (registry.h); constant. */
	char	   *name;
	const char *fault;			/* what of it did not pass; NULL: nothing */
	Oid			relation;		/* InvalidOid: it was not there in a restore */
	char	   *relation_name;	/* when it was attached; qualified, quoted */
	Oid			owner;			/* of the table then, who vouched for live_when */
	char	   *prefix;			/* NULL: none */
	int			prefix_len;
	bool		unroutable;		/* it has a prefix that is none */
	bool		prefix_extended;	/* a longer prefix begins with it */
	bool		by_name_only;	/* no token is led to it; see routes.h */
	uint64		trust;			/* a hash of which sources' owners rule its own */
	char	   *token_part;		/* as the mapping has it; NULL: the whole */
	TokenPart	part;			/* the same; see stored.h, also for these: */
	TokenEncoding encoding;
	StoredAs	stored_as;
	char	   *stored_prefix;	/* a literal before the digest; or NULL */
	int			npeppers;		/* of a digest: new tokens' first, then former */
	char	   *pepper[SOURCE_MAX_PEPPERS];	/* names */
	PepperUse	pepper_as;		/* of a digest that is no HMAC */
	char	   *lookup;			/* expression that gives the stored value; or NULL */
	char	   *verify;			/* condition over token and row; or NULL */
	char	   *timezone;		/* of timestamps without one */
	List	   *active_values;	/* of a status column; char * */
	bool		flag_is_active;	/* the revoked column is true for live tokens */
	bool		null_is_live;	/* and where it is NULL, too */
	char	   *revoked_value;	/* what revoking writes there; NULL: by its type */
	OnRevoke	on_revoke;
	char	   *scope_separator;	/* of a text with several scopes; or NULL */
	bool		user_is_optional;	/* a token without one is valid */
	char	   *live_when;		/* NULL: no condition */
	List	   *claims;			/* columns; char * */
	List	   *ignored;		/* columns that mean nothing; char * */
	bool		checksum;		/* all its tokens are issued by us */
	Interval   *sliding_ttl;	/* renewed to so much; NULL: not at all */
	Interval   *sliding_threshold;	/* if less than so much is left */
	Interval   *max_lifetime;	/* from creation; NULL: no limit */
	TransactionId registry_xmin;
	ItemPointerData registry_tid;
	int			nparents;
	SourceParent parent[SOURCE_MAX_PARENTS];
	bool		retired;		/* the registry has been read again since */
	List	   *registered;		/* all that were read with it; Source * */

	/* From the catalogs; good while state is SOURCE_CURRENT. */
	SourceState state;
	SourceProblem problem;
	Oid			problem_relation;	/* which table */
	const char *problem_column; /* which column, condition or time zone */
	const char *problem_detail; /* what the server said; NULL: nothing */
	bool		problem_may_pass;	/* by itself: no message will tell */
	struct TokenSearch *token_search;	/* while it is being read (token_columns.h) */
	uint64		fingerprint;
	uint64		built;			/* how often it was read, or begun to be */
	bool		being_read;
	bool		hindered;		/* it was not read, because something is locked */
	uint64		heard;			/* so many messages, when that was begun, */
	TimestampTz statement;		/* and in the statement that began then */
	bool		whole;			/* it was read to the end, and can be judged by;
								 * source_require_whole() */
	SourceColumn column[ROLE_COUNT];	/* type and kind also of a user or tenant
										 * that a parent says */
	MemoryContext facts;		/* where what follows is kept */
	Watch		watch;			/* what else changes it; the fingerprint */
	List	   *namesakes;		/* hashes of its tables' names when attached, as
								 * messages of the syscache have them */
	Bitmapset  *matters;		/* columns whose change changes the verdict */
	Bitmapset  *made_of;		/* those of which expressions, or generated columns,
								 * make roles */
	Node	   *condition;		/* live_when, to be evaluated */
	Node	   *lookup_node;	/* the expressions, to be evaluated */
	Node	   *verify_node;
	Node	   *claims_object;	/* NULL: none, or they cannot be made */
	pg_tz	   *zone;			/* of timestamps without one */
	RowFinder	finder;
	bool		keeps_last_use; /* in a column of the table */

	/* Derived once. */
	bool		is_usual;		/* the key is the SHA-256 of the whole token's text */
	SourceId	id;				/* what it is called in shared memory */
	CacheSource cached_as;
	int			gate;
	int			stats_slot;
	StatsCounts *counts;		/* this process's */
} Source;

/* The same source, of the same table, maybe as it was read at another time. */
static inline bool
source_is_same(const Source *a, const Source *b)
{
	return a->relation == b->relation && strcmp(a->name, b->name) == 0;
}

/*
 * And of the same row of the registry, so that it means the same: one that is attached
 * anew has another row, though it be by the same transaction.
 */
static inline bool
source_is_unchanged(const Source *a, const Source *b)
{
	return source_is_same(a, b) && a->registry_xmin == b->registry_xmin &&
		ItemPointerEquals(unconstify(ItemPointerData *, &a->registry_tid),
						  unconstify(ItemPointerData *, &b->registry_tid));
}

/* With a time zone or without. */
static inline bool
is_timestamp(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID;
}

static inline bool
is_text_type(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

static inline bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static inline bool
column_is_told(const SourceColumn *column)
{
	return column->name != NULL || column->expression != NULL;
}

/* Is a role played by a column, or by an expression, of its own table? */
static inline bool
source_has_role(const Source *source, SourceRole role)
{
	return column_is_told(&source->column[role]);
}

/* Is it that column of its own table that has the role? */
static inline bool
source_role_is(const Source *source, SourceRole role, const char *column)
{
	return source->column[role].name != NULL &&
		strcmp(source->column[role].name, column) == 0;
}

/* Has that column of its own table any role? */
static inline bool
source_uses_column(const Source *source, const char *column)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (source_role_is(source, role, column))
			return true;
	return false;
}

/* The first parent whose row has that role; NULL if none. */
static inline const SourceParent *
source_parent_with(const Source *source, SourceRole role)
{
	for (int i = 0; i < source->nparents; i++)
		if (column_is_told(&source->parent[i].column[role]))
			return &source->parent[i];
	return NULL;
}

/* The table of the row that refers to a parent's. */
static inline Oid
source_referring_table(const Source *source, const SourceParent *parent)
{
	return parent->via == VIA_TOKEN ? source->relation :
		source->parent[parent->via].relation;
}

/* Is the token that is presented shown to code of the table's owner? */
static inline bool
source_sees_tokens(const Source *source)
{
	return source->lookup != NULL || source->verify != NULL;
}

/* Does a token begin as those of the source do? */
static inline bool
source_has_prefix(const Source *source, const char *token, Size len)
{
	return source->prefix == NULL ||
		(len >= (Size) source->prefix_len &&
		 memcmp(token, source->prefix, source->prefix_len) == 0);
}

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

#endif							/* TOKENAUTH_SOURCE_H */
