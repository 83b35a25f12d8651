/*-------------------------------------------------------------------------
 *
 * writer.h
 *		Sessions that change tokens and their tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_WRITER_H
#define STRESS_WRITER_H

#include "session.h"

extern const SessionKind writer_kind;

#endif							/* STRESS_WRITER_H */
