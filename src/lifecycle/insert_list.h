/*-------------------------------------------------------------------------
 *
 * insert_list.h
 *		The INSERT of a token's row, while it is put together.
 *
 * Each column is given one value at the most, as SQL, by the first who has one for it:
 * whoever comes later looks whether it is among those given, or insert_list_unfilled().
 * So the order of the calls says what goes before what.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_INSERT_LIST_H
#define TOKENAUTH_INSERT_LIST_H

#include "lifecycle/succession.h"
#include "source/owner.h"

typedef struct InsertList
{
	OwnerCall  *call;
	const Succession *copied;	/* of what token's row it is a copy; or NULL */
	int			copied_row;		/* that row's parameter; 0: it has none yet */
	TimestampTz begin;			/* of the token's life: when its row says it was made */
	int			begin_at;		/* its parameter; 0: it has none yet */
	Bitmapset  *others;			/* columns that make tokens of other sources */
	Bitmapset  *given;			/* columns that have a value */
	Bitmapset  *arguments;		/* those of them that the caller set by such */
	Bitmapset  *attributes;		/* and by attributes */
	StringInfoData columns;
	StringInfoData values;
	bool		changed;		/* when it was inserted: the row may not be what was
								 * given */
	bool		suspect;		/* or may be changed; then it is compared */
} InsertList;

/* For a copy of a token's row; or, with NULL, for a row that is no copy. */
extern void insert_list_begin(InsertList *list, OwnerCall *call,
							  const Succession *copied);

/*
 * Throws 55000 if there is no such column in what is known of the source by now, 0A000
 * if the table always generates its values.
 */
extern void insert_list_give(InsertList *list, AttrNumber attnum,
							 const char *value);

/*
 * A column that neither the table fills nor what has been given so far; else NULL, of
 * no column, too.
 */
extern Form_pg_attribute insert_list_unfilled(const InsertList *list,
											  AttrNumber attnum);

/*
 * Values that we know, for columns that the table does not fill by itself, as in
 * tables made by object-relational mappers.
 */
extern void insert_list_give_known(InsertList *list);

/*
 * When the row was made: in the column that says it, and in those that say it to other
 * sources of the table, if the table, or the old row, has it there.  A default or a copy
 * would say that it was made earlier (life.h).
 */
extern void insert_list_give_created(InsertList *list);

/*
 * What the old row has in its columns, but for those that the table fills, those with
 * another source's token, and what belongs to its token alone.
 */
extern void insert_list_give_copies(InsertList *list);

/* The columns that are copied, unless attributes set them. */
extern Bitmapset *insert_list_copied(const OwnerCall *call);

/*
 * The columns that belong to a row's token alone, by what a source of the table says: a
 * successor has other values there.
 */
extern Bitmapset *insert_list_token_alone(const OwnerCall *call,
										  const Source *source);

/* The first role that a column has, of these and what follows; ROLE_COUNT if none. */
extern SourceRole insert_list_next_role(const Source *source,
										AttrNumber attnum, SourceRole role);
extern SourceRole insert_list_role_of(const Source *source, AttrNumber attnum);

/* Has the table code of its own that takes part in what is inserted? */
extern bool insert_list_runs_code(Relation table);

/* Columns of what the INSERT returns. */
#define INSERTED_EXPIRY		1	/* when it expires, as timestamptz */
#define INSERTED_ID			2	/* NULL without an id column */
#define INSERTED_PLACE		3	/* for insert_list.c */
#define INSERTED_MORE		4

/*
 * Run the INSERT of one row, with that FROM clause, or "".  Returns one row, with one
 * column more, an expression over the row.  Throws 27000 if no row was inserted.
 *
 * Code of the table's owner can change the row: triggers and rules, while it is put
 * together or afterwards, and what else runs once it is there, as the expressions of
 * indexes and of conditions of triggers.  Of the former we know, and whoever else changes
 * a row makes another version of it.
 */
extern QueryResult *insert_list_run(InsertList *list, const char *from,
									const char *more);

#endif							/* TOKENAUTH_INSERT_LIST_H */
