/*-------------------------------------------------------------------------
 *
 * reader.h
 *		Sessions that ask for tokens all the time, each kind in its own way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_READER_H
#define STRESS_READER_H

#include "token.h"

extern const SessionKind *kind_of_reader(int i);

/* Is the session of this number among the readers, or writers, delayed? */
extern bool is_delayed(int i);

/* The statements "resolve", "identify" and "look" of each shape. */
extern void prepare_readers(Session *session);

/* Ask by one of the first two; judge.  False after an error that may happen. */
extern bool ask_about(Session *session, const char *statement, Token *token);

/* Resolve any token; likewise. */
extern bool resolve_one(Session *session);

#endif							/* STRESS_READER_H */
