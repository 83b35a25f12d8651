/*-------------------------------------------------------------------------
 *
 * shapes.h
 *		The token tables that the stress test knows, as tables of SQL.
 *
 * A shape is one source: how its table is created and attached, how its
 * tokens are resolved, and by which statements a row goes from one state to
 * another.  Nothing else in the test knows of tables and columns.
 *
 * Every version of a token has a label of its own, a uuid or a text, which is
 * its user's id.  Where a parent alone makes a token valid, the row does not
 * change, so it must bear the label of that version already: a change that
 * "stages" leaves the token refused and gives its row the label of the next
 * version, and a change that is "staged" comes right after such a one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_SHAPES_H
#define STRESS_SHAPES_H

#include <stdbool.h>

/* The committed state of a token's row. */
typedef enum RowState
{
	ROW_ABSENT,					/* its parents, if it has any, are live */
	ROW_VALID,
	ROW_REFUSED,				/* by what stands in the row itself */
	ROW_FIRST_OFF,				/* all is well but for the first parent */
	ROW_SECOND_OFF,
	ROW_BOTH_OFF,
	ROW_DOUBLE,					/* two live rows for one token: refused */
	ROW_SHADOWED				/* valid: the second of them is not live */
} RowState;

#define ROW_BIT(state)	(1 << (state))

/*
 * Each changes at least one row, or returns true.  Parameters:
 *
 *	$1	the key: what stands in the table for the token
 *	$2	the label of the version
 *	$3	the token; of a move the key of the token that the row shall have
 *	$4	the label of the next version
 */
typedef struct ChangeKind
{
	const char *name;
	int			from;			/* states of the row in which it works */
	RowState	to;
	int			flags;
	const char *sql;
} ChangeKind;

#define CHANGE_STAGES		0x01	/* the row bears the next version's label */
#define CHANGE_STAGED		0x02	/* works on a row that does so */
#define CHANGE_OF_PARENT	0x04	/* nothing of the token's own row */

typedef struct Shape
{
	const char *name;			/* of the source */
	const char *prefix;			/* of its tokens */
	const char *label_type;
	const char *label_prefix;	/* before the uuid of a label of type text */

	/* what resolve and identify need besides the token */
	const char *resolve_arguments;
	const char *identify_arguments;

	const char *create;			/* the table and its parents, attached */
	const char *drop;
	const char *tables[4];		/* those that have our triggers */

	/* $1 is a seed, which begins with the prefix: the token and its key */
	const char *token;
	/* $1 is the key: label, label of a refusal or NULL, is it refused? */
	const char *look;
	const char *touch;			/* $1 is the key: changes no verdict */
	/* the row gets another token, for which there is none, and is valid */
	const char *move;
	int			move_from;		/* states in which it works */

	/* the first one creates the row; the first half, preferred, keep it valid */
	const ChangeKind *kind;
	int			nkinds;
} Shape;

/* A set of sources that one run has. */
typedef struct ShapeSet
{
	const char *name;
	const Shape *const *shape;
	int			nshapes;
} ShapeSet;

/* By its own name, or by that of its only shape; NULL if there is none. */
extern const ShapeSet *find_shape_set(const char *name);

extern bool row_is_valid(RowState row);

#endif							/* STRESS_SHAPES_H */
