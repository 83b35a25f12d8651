/*-------------------------------------------------------------------------
 *
 * concerned.c
 *		The sources that a revocation concerns; see concerned.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/concerned.h"
#include "lifecycle/each_source.h"
#include "lifecycle/kin_revoked.h"

Concerned
concerned_begin(List *sources)
{
	return (Concerned) {sources, list_copy(sources)};
}

List *
concerned_left_out(const Concerned *concerned)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, concerned->all)
		if (!each_source_has(concerned->left, lfirst(lc)))
			sources = lappend(sources, lfirst(lc));
	return sources;
}

bool
concerned_is_incomplete(const Concerned *concerned, const List *untold)
{
	List	   *sources = concerned_left_out(concerned);

	kin_warn_untold(untold, sources);
	return sources != NIL || untold != NIL;
}

static void
warn_too_late(const Source *source)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" is left out", source->name),
			 errdetail("Again and again sources were attached meanwhile."),
			 errhint("Call the function again, with the argument \"source\".")));
}

bool
concerned_take_new(Concerned *concerned, const char *name,
				   const List *sources, int look)
{
	bool		is_last = look == CONCERNED_MAX_LOOKS;
	bool		any = false;
	ListCell   *lc;

	foreach(lc, name == NULL ? sources : NIL)
	{
		if (each_source_has(concerned->all, lfirst(lc)))
			continue;
		concerned->all = lappend(concerned->all, lfirst(lc));
		if (is_last)
			warn_too_late(lfirst(lc));
		else
			concerned->left = lappend(concerned->left, lfirst(lc));
		any |= !is_last;
	}
	return any;
}
