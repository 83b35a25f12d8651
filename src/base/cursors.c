/*-------------------------------------------------------------------------
 *
 * cursors.c
 *		Keeping the cursors of a session from code that runs in a sandbox; see
 *		cursors.h.
 *
 * A locked cursor is marked as running (PORTAL_ACTIVE): core neither runs nor
 * closes such a one, however it is asked to.  Nothing but this mark is changed.
 * If the process ends meanwhile, core treats them as it does running ones.
 *
 * Core has no list of the cursors for extensions: pg_cursor() leaves some out.
 * But each has a memory context, which is named after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/cursors.h"
#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "utils/memutils.h"

static MemoryContext
find_child(MemoryContext parent, const char *name)
{
	for (MemoryContext child = parent->firstchild; child; child = child->nextchild)
		if (strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

/* The parent of the cursors' memory contexts, which stays where it is. */
static MemoryContext
cursors_context(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context = find_child(TopMemoryContext, "TopPortalContext");
	if (context == NULL)
		elog(ERROR, "could not find the cursors of this session");
	return context;
}

/*
 * The cursor that has this memory context; NULL: it is of another kind, or what is
 * left of a cursor that could not be opened or closed, and has no name any more.
 */
static Portal
cursor_of(MemoryContext context)
{
	Portal		portal;

	if (context->ident == NULL || strcmp(context->name, "PortalContext") != 0)
		return NULL;
	portal = GetPortalByName(context->ident);
	if (portal == NULL || portal->portalContext != context)
		portal = GetPortalByName("");	/* its context has another name */
	return portal != NULL && portal->portalContext == context ? portal : NULL;
}

static bool
is_running(Portal portal)
{
	return portal->status == PORTAL_ACTIVE;
}

void
cursors_lock(LockedCursors *locked)
{
	MemoryContext parent = cursors_context();
	int			n = 0;

	memset(locked, 0, sizeof(*locked));
	locked->active = true;
	for (MemoryContext child = parent->firstchild; child; child = child->nextchild)
	{
		Portal		portal = cursor_of(child);

		n += portal != NULL && !is_running(portal);
	}
	if (n == 0)
		return;
	locked->cursor = palloc(n * sizeof(LockedCursor));
	for (MemoryContext child = parent->firstchild; child; child = child->nextchild)
	{
		Portal		portal = cursor_of(child);
		LockedCursor *cursor = &locked->cursor[locked->n];

		if (portal == NULL || is_running(portal))
			continue;
		cursor->portal = portal;
		cursor->status = portal->status;
		portal->status = PORTAL_ACTIVE;
		locked->n++;
	}
}

void
cursors_admit(LockedCursors *locked, Portal portal)
{
	Assert(locked->admitted == NULL);
	locked->admitted = portal;
	for (int i = 0; i < locked->n; i++)
		if (locked->cursor[i].portal == portal)
		{
			portal->status = locked->cursor[i].status;
			locked->cursor[i] = locked->cursor[--locked->n];
			return;
		}
}

/* One that has been opened since: those from before are all marked as running. */
static Portal
find_opened(const LockedCursors *locked)
{
	MemoryContext parent = cursors_context();

	for (MemoryContext child = parent->firstchild; child; child = child->nextchild)
	{
		Portal		portal = cursor_of(child);

		if (portal != NULL && portal != locked->admitted && !is_running(portal))
			return portal;
	}
	return NULL;
}

void
cursors_unlock(LockedCursors *locked)
{
	Portal		opened;

	/* one by one: what closing one runs could open others */
	while (locked->active && (opened = find_opened(locked)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		opened->portalPinned = false;
		PortalDrop(opened, false);
	}
	cursors_unlock_after_error(locked);
}

void
cursors_unlock_after_error(LockedCursors *locked)
{
	for (int i = 0; i < locked->n; i++)
		locked->cursor[i].portal->status = locked->cursor[i].status;
	if (locked->cursor != NULL)
		pfree(locked->cursor);
	memset(locked, 0, sizeof(*locked));
}
