/*-------------------------------------------------------------------------
 *
 * life.c
 *		A token's successor lives as long as the token was made for; see life.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/int.h"
#include "lifecycle/life.h"
#include "source/source.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define FOR_EVER			PG_INT64_MAX

Expiry
life_end(const Life *life, TimestampTz begin)
{
	Expiry		end = {life->has_length};

	if (!life->has_length)
		return life->end;
	if (pg_add_s64_overflow(begin, life->length, &end.at) ||
		!IS_VALID_TIMESTAMP(end.at))
		end.at = END_TIMESTAMP - 1;
	if (life->end.exists)
		end.at = Min(end.at, life->end.at);
	return end;
}

TimestampTz
life_as_kept(Form_pg_attribute attribute, TimestampTz time)
{
	int32		typmod = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);
	int64		unit = 1;
	int64		rest;

	if (!is_timestamp(type) || typmod < 0 || TIMESTAMP_NOT_FINITE(time))
		return time;
	for (int i = typmod; i < MAX_TIMESTAMP_PRECISION; i++)
		unit *= 10;
	rest = time % unit;
	return time - (rest < 0 ? rest + unit : rest);
}

/* What the row of a token says, of several the one that says most. */
typedef struct Measured
{
	int64		excess;			/* so much longer than it may it lives; or FOR_EVER */
	TimestampTz end;			/* then it should end */
	Expiry		expiry;			/* and then it does */
} Measured;

static Measured
measure_row(const QueryResult *rows, uint64 row, const Life *life)
{
	Life		own = *life;
	Measured	measured = {0};
	TimestampTz created;

	measured.expiry.exists = query_timestamp(rows, row, 1, &measured.expiry.at);
	own.has_length = query_timestamp(rows, row, 2, &created) &&
		life->has_length && !TIMESTAMP_NOT_FINITE(created);
	measured.end = life_end(&own, created).at;
	if (!measured.expiry.exists || TIMESTAMP_IS_NOEND(measured.expiry.at) ||
		pg_sub_s64_overflow(measured.expiry.at, measured.end, &measured.excess))
		measured.excess = FOR_EVER;
	return measured;
}

static Measured
measure(OwnerCall *call, const StoredValue *stored, const Life *life)
{
	Measured	most = {PG_INT64_MIN};
	QueryResult *rows;

	rows = owner_query_latest(call,
							  psprintf("SELECT %s, %s FROM ONLY %s WHERE %s",
									   owner_read_timestamp(call, ROLE_EXPIRES),
									   owner_read_timestamp(call, ROLE_CREATED),
									   owner_table(call),
									   owner_is_token(call, stored)));
	for (uint64 i = 0; i < rows->nrows; i++)
	{
		Measured	measured = measure_row(rows, i, life);

		if (i == 0 || measured.excess > most.excess)
			most = measured;
	}
	query_free(rows);
	return most;
}

static void
move_expiry(OwnerCall *call, const StoredValue *stored, TimestampTz expires)
{
	Form_pg_attribute attribute =
		owner_attribute(call, call->source->column[ROLE_EXPIRES].attnum);

	expires = life_as_kept(attribute, expires);
	call->makes_row = true;		/* what the owner's code makes of it, too */
	(void) owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = %s WHERE %s",
								  owner_table(call),
								  owner_column(call, ROLE_EXPIRES),
								  owner_cast_timestamp(call, ROLE_EXPIRES, expires),
								  owner_is_token(call, stored)));
	call->makes_row = false;
}

/* What is written as its end is read as a later one: so much earlier, then. */
static TimestampTz
as_much_earlier(const Measured *measured)
{
	TimestampTz end;

	return pg_sub_s64_overflow(measured->end, measured->excess, &end) ||
		!IS_VALID_TIMESTAMP(end) ? measured->end : end;
}

Expiry
life_hold(OwnerCall *call, const StoredValue *stored, const Life *life,
		  Expiry given)
{
	Life		held = *life;
	Measured	first;
	Measured	measured;

	/* where the row does not say when it was made, or max_lifetime is less */
	if (!held.end.exists || held.end.at > given.at)
		held.end = given;
	first = measured = measure(call, stored, &held);
	if (measured.excess > 0)
	{
		move_expiry(call, stored, measured.end);
		measured = measure(call, stored, &held);
	}
	if (measured.excess > 0)
	{
		move_expiry(call, stored, as_much_earlier(&measured));
		measured = measure(call, stored, &held);
	}
	if (measured.excess > 0 &&
		(measured.excess != first.excess || measured.excess == FOR_EVER ||
		 first.expiry.at == given.at))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the new token of source \"%s\" would live longer than the old one was made for",
						call->source->name),
				 errhint("A trigger, a rule or other code of table \"%s\" changes when it was made, or expires.",
						 RelationGetRelationName(call->table))));
	return measured.expiry;
}
