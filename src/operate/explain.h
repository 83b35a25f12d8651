/*-------------------------------------------------------------------------
 *
 * explain.h
 *		Telling the owner of a table, step by step, what becomes of a token.
 *
 * Nothing that is told shows the token or its digest: lengths, names of columns,
 * and what the table's own rules say of the row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXPLAIN_H
#define TOKENAUTH_EXPLAIN_H

#include "fmgr.h"
#include "judge/scan.h"
#include "nodes/execnodes.h"

typedef struct Explanation
{
	ReturnSetInfo *rsinfo;
	int			nsteps;
	Source	   *source;
	const char *token;
	Size		token_len;
	TokenDigest key;			/* once that is known */
	OpenSource	tables;			/* while they are open */
	Snapshot	snapshot;
	int			nrows;			/* that have the stored value */
	int			nverified;		/* of them, those of the token */
	Verdict		verdict;		/* what the row that is visited says, so far */
	bool		parents_live;	/* by that row */
} Explanation;

/* Add a step: what is looked at, and what is found. */
extern void explain_tell(Explanation *explanation, const char *what,
						 const char *format,...) pg_attribute_printf(3, 4);

/* explain_row.c: one row that has the stored value, as its owner's RowVisitor. */
extern bool explain_visit_row(TupleTableSlot *row, void *arg);

/*
 * explain_near.c: where no row is found, is there one that has what another mapping,
 * or a token that was copied otherwise, would look for?  The tables are open.
 */
extern void explain_near_misses(Explanation *explanation);

#endif							/* TOKENAUTH_EXPLAIN_H */
