/* Values that look as if they spoke of a person: the fixed list of patterns of tendon-event(5).
 *
 * What has a form is recognised: e-mail, SSN with separators, card numbers (13–19 digits that pass Luhn),
 * phone numbers with a leading + or separators, URLs, IP addresses; also when written with the digits, dashes
 * and blanks of other scripts' full-width forms. Names and record numbers have no form: dimensions that could
 * hold them are for closing. */
#ifndef TENDON_INGEST_PATTERN_H
#define TENDON_INGEST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define PATTERN_BYTES                                                                                        \
    512 /* what stands behind is not looked at: codes and an error's message are no longer */

/* data is valid UTF-8. Any thread; a pure function. */
bool pattern_is_personal(const char *data, size_t size);

#endif
