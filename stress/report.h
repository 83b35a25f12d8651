/*-------------------------------------------------------------------------
 *
 * report.h
 *		What is told after a run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_REPORT_H
#define STRESS_REPORT_H

/* Tell it, and return the exit status. */
extern int	report(void);

#endif							/* STRESS_REPORT_H */
