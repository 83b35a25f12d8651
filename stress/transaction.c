/*-------------------------------------------------------------------------
 *
 * transaction.c
 *		Transactions of all kinds, which change tokens.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "change.h"
#include "events.h"
#include "judge.h"
#include "reader.h"
#include "transaction.h"

#define MAX_CHANGES			48	/* tokens that one transaction changes */

/* What a transaction has done to one token. */
typedef struct Change
{
	Token	   *token;			/* its mutex is held */
	unsigned	version;		/* open; 0: none */
	RowState	row;			/* as this transaction sees it */
	unsigned	staged;			/* likewise */
} Change;

typedef struct Transaction
{
	Session    *session;
	bool		two_phase;
	bool		rollback;
	const char *silent;			/* table whose trigger is off meanwhile */
	bool		failed;
	int			nchanges;
	Change		change[MAX_CHANGES];
} Transaction;

/*
 * Take up to n tokens that no other writer is changing.  Not waiting keeps
 * writers of several tokens from waiting for each other in circles.
 */
static void
take_tokens(Transaction *xact, int n)
{
	int			first = pick(xact->session, options.ntokens);

	for (int i = 0; i < options.ntokens && xact->nchanges < n; i++)
	{
		Token	   *token = &tokens[(first + i) % options.ntokens];

		if (pthread_mutex_trylock(&token->writer) == 0)
		{
			Change	   *change = &xact->change[xact->nchanges++];

			change->token = token;
			change->version = 0;
			change->row = token->row;
			change->staged = token->staged;
		}
	}
}

static void
attempt(Transaction *xact, Change *change, RowState row)
{
	change->version = oracle_attempt(&change->token->history,
									 row_is_valid(row), xact->two_phase);
	if (change->version == 0)
		give_up(xact->session, "out of versions; run for a shorter time");
	change->row = row;
}

/* The open version of a change will never be; no reader may have seen it. */
static void
renounce(Transaction *xact, Change *change)
{
	Token	   *token = change->token;

	if (change->version != 0 &&
		!oracle_never(&token->history, change->version))
		report_wrong(xact->session, WRONG_PHANTOM,
					 "a session has seen token %u in version %u, "
					 "which is not going to be committed",
					 token->number, change->version);
	change->version = 0;
}

static void
change_token(Transaction *xact, Change *change)
{
	const ChangeKind *kind = pick_change(xact->session, change->token,
										 change->row, change->staged);

	renounce(xact, change);		/* this transaction's own, now overwritten */
	attempt(xact, change, kind->to);
	if ((kind->flags & CHANGE_STAGES) != 0)
		change->staged = change->version + 1;
	if (!change_row(xact->session, change->token->key, change->token,
					kind->name, change->version, change->token->text))
		xact->failed = true;
	else if ((kind->flags & CHANGE_OF_PARENT) != 0)
		count(PARENT_CHANGES);
}

static bool
can_move(const Change *from, const Change *to)
{
	return from->token->shape == to->token->shape &&
		(from->token->shape->move_from & ROW_BIT(from->row)) != 0 &&
		to->row == ROW_ABSENT;
}

/* Give a row to a token that has none: both keys change. */
static void
move_row(Transaction *xact, Change *from, Change *to)
{
	attempt(xact, from, ROW_ABSENT);
	attempt(xact, to, ROW_VALID);
	if (!change_row(xact->session, from->token->key, to->token, "move",
					to->version, to->token->key))
		xact->failed = true;
	count(MOVES);
}

/* What this transaction sees of a token it has changed must be its own. */
static void
read_own(Transaction *xact, const Change *change)
{
	PGresult   *result = ask(xact->session, change->token->shape, "resolve",
							 change->token->text);
	Answer		answer;

	if (result == NULL)
	{
		xact->failed = true;
		return;
	}
	answer = read_answer(change->token, result, 0);
	PQclear(result);
	count(OWN_READS);
	if (answer.valid != row_is_valid(change->row) ||
		(answer.valid && answer.version != change->version))
		report_wrong(xact->session, WRONG_OWN,
					 "token %u (%s) is %s in version %u, "
					 "but this transaction has made it %s in version %u",
					 change->token->number, change->token->shape->name,
					 answer.valid ? "valid" : "refused", answer.version,
					 row_is_valid(change->row) ? "valid" : "refused",
					 change->version);
}

/* A change that does not outlive its savepoint, before any that may. */
static void
change_in_vain(Transaction *xact, const Change *change)
{
	Session    *session = xact->session;
	Change		vain = *change;

	must(session, "SAVEPOINT s");
	change_token(xact, &vain);
	if (!xact->failed && one_in(session, 2))
		read_own(xact, &vain);
	must(session, "ROLLBACK TO s");
	renounce(xact, &vain);
	count(SAVEPOINT_ROLLBACKS);
}

/* Something that changes no verdict, and must not confuse the trigger. */
static void
touch(Transaction *xact, const Change *change)
{
	PGresult   *result = ask(xact->session, change->token->shape, "touch",
							 change->token->key);

	if (result == NULL)
		xact->failed = true;
	PQclear(result);
}

/* A token that it changes for good, and what may happen to it besides. */
static void
change_one(Transaction *xact, Change *change)
{
	Session    *session = xact->session;

	if (one_in(session, 8))
		change_in_vain(xact, change);
	if (!xact->failed)
		change_token(xact, change);
	if (!xact->failed && one_in(session, 8))
	{
		change_token(xact, change);
		count(OVERWRITES);
	}
	if (!xact->failed && one_in(session, 8))
		touch(xact, change);
}

/* Nothing else happens to what is moved: the move alone must be noticed. */
static void
make_changes(Transaction *xact)
{
	for (int i = 0; i < xact->nchanges && !xact->failed; i++)
	{
		Change	   *change = &xact->change[i];

		if (i + 1 < xact->nchanges && can_move(&change[0], &change[1]))
		{
			move_row(xact, &change[0], &change[1]);
			i++;
		}
		else
			change_one(xact, change);
	}
}

static const Change *
find_change(const Transaction *xact, const Token *token)
{
	for (int i = 0; i < xact->nchanges; i++)
		if (xact->change[i].token == token)
			return &xact->change[i];
	return NULL;
}

/* Resolve some tokens, our own or others'. */
static void
read_back(Transaction *xact)
{
	Session    *session = xact->session;

	while (!xact->failed && one_in(session, 2))
	{
		Token	   *token = pick_token(session);

		read_own(xact, &xact->change[pick(session, xact->nchanges)]);
		if (find_change(xact, token) == NULL &&
			!ask_about(session, "resolve", token))
			xact->failed = true;
	}
}

bool
set_trigger(Session *session, const char *table, const char *how)
{
	char		sql[200];

	snprintf(sql, sizeof(sql),
			 "ALTER TABLE %s %s TRIGGER \"tokenauth_row\"", table, how);
	return command(session, sql);
}

const char *
pick_table(Session *session)
{
	const ShapeSet *set = options.sources;
	const Shape *shape = set->shape[pick(session, set->nshapes)];
	int			n = 0;

	while (n < (int) lengthof(shape->tables) && shape->tables[n] != NULL)
		n++;
	return shape->tables[pick(session, n)];
}

/* A silent one takes its strongest lock first, against deadlocks. */
static void
fill_transaction(Transaction *xact)
{
	if (xact->silent != NULL &&
		!set_trigger(xact->session, xact->silent, "DISABLE"))
		xact->failed = true;
	make_changes(xact);
	read_back(xact);
	if (xact->silent == NULL || xact->failed)
		return;
	if (set_trigger(xact->session, xact->silent, "ENABLE ALWAYS"))
		read_back(xact);
	else
		xact->failed = true;
}

/*
 * Another session than the one that did the work may end it.  That one must
 * not ask for locks before, not even in order to prepare statements: a session
 * may be waiting for our lock with a stronger one, and no deadlock detector
 * knows that our waiting for it would block it, too.
 */
static bool
end_two_phase(Transaction *xact)
{
	Session    *session = xact->session;
	bool		reconnect = one_in(session, 2);
	char		sql[100];

	snprintf(sql, sizeof(sql), "PREPARE TRANSACTION 'stress %d'",
			 session->number);
	if (!command(session, sql))
		return false;
	if (one_in(session, 2))
		usleep(pick(session, 2 * options.pause + 1));
	if (reconnect)
	{
		close_session(session);
		connect_session(session);
	}
	snprintf(sql, sizeof(sql), "%s PREPARED 'stress %d'",
			 xact->rollback ? "ROLLBACK" : "COMMIT", session->number);
	must(session, sql);
	if (reconnect)
		prepare_statements(session);
	count(xact->rollback ? PREPARED_ROLLBACKS : PREPARED_COMMITS);
	return !xact->rollback;
}

/* True if it has committed. */
static bool
end_transaction(Transaction *xact)
{
	Session    *session = xact->session;

	if (xact->failed)
	{
		must(session, "ROLLBACK");
		count(FAILED_TRANSACTIONS);
		return false;
	}
	if (xact->two_phase)
		return end_two_phase(xact);
	if (xact->rollback || !command(session, "COMMIT"))
	{
		if (xact->rollback)
			must(session, "ROLLBACK");
		count(ROLLBACKS);
		return false;
	}
	count(COMMITS);
	return true;
}

/* Tell the oracle, and let others have the tokens. */
static void
settle(Transaction *xact, bool committed)
{
	for (int i = 0; i < xact->nchanges; i++)
	{
		Change	   *change = &xact->change[i];

		if (!committed)
			renounce(xact, change);
		else if (change->version != 0)
		{
			oracle_committed(&change->token->history, change->version);
			change->token->row = change->row;
			change->token->staged = change->staged;
		}
		pthread_mutex_unlock(&change->token->writer);
	}
}

static int
pick_size(Session *session)
{
	if (one_in(session, 50))
		return MAX_CHANGES;
	return one_in(session, 4) ? (int) pick(session, 4) + 1 : 1;
}

void
run_transaction(Session *session)
{
	Transaction xact = {.session = session};
	bool		committed;

	take_tokens(&xact, options.watch ? 1 : pick_size(session));
	if (xact.nchanges == 0)
		return;
	must(session, "BEGIN");
	if (options.watch)
		change_token(&xact, &xact.change[0]);
	else
	{
		xact.two_phase = options.prepared && one_in(session, 2);
		xact.rollback = one_in(session, 4);
		xact.silent = one_in(session, 50) ? pick_table(session) : NULL;
		fill_transaction(&xact);
	}
	committed = end_transaction(&xact);
	settle(&xact, committed);
	if (committed && xact.nchanges > ESCALATION)
		count(ESCALATIONS);
	if (committed && xact.silent != NULL)
		count(SILENT_CHANGES);
}
