/* What the terminal is, and how text lies on it: widths in columns, not bytes.
 *
 * All text is UTF-8 whatever the locale says. Names in answers come from vendors: what a terminal would act
 * on (control characters, bidirectional overrides, invalid bytes) is replaced before it is shown. No state;
 * any thread, after setlocale. */
#ifndef TENDON_TOOLS_TERMINAL_H
#define TENDON_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Columns of the terminal behind fd, from the kernel, else from $COLUMNS, else 80. 0: fd is no terminal. */
unsigned terminal_width(int fd);

/* Whether the locale of the environment writes UTF-8, so that pictures may be drawn with more than ASCII. */
bool terminal_has_unicode(void);

/* The code point at *s, which moves behind it; U+FFFD for each byte that is no UTF-8. 0 at the end. */
uint32_t utf8_next(const char **s);

/* Columns that s takes. */
size_t text_width(const char *s);

/* s with every character that a terminal could act on replaced by U+FFFD, so that it can be printed on one
 * line. A new string, the caller's to free; NULL: no memory. */
char *text_clean(const char *s);

/* The bytes of s that fit in `columns` columns, whole characters with their combining marks; *ret_columns is
 * what they take. */
size_t text_fit(const char *s, size_t columns, size_t *ret_columns);

/* Writes s and a line end, broken at blanks so that no line is over `width` columns (0: never broken);
 * further lines begin behind `indent` blanks. The first line is taken to begin there too. A line end in s
 * ends a line. */
void text_wrap(FILE *out, const char *s, size_t indent, size_t width);

#endif
