/*-------------------------------------------------------------------------
 *
 * format.h
 *		Text from a format and its arguments, for functions that take such.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FORMAT_H
#define TOKENAUTH_FORMAT_H

/* psprintf() with the arguments as a va_list: in the current memory context. */
extern char *format_text(const char *format, va_list args)
			pg_attribute_printf(1, 0);

#endif							/* TOKENAUTH_FORMAT_H */
