/* Any bytes as a signature's text: refused, or read and written again as the very same bytes; and nobody's
 * signature fits what was not signed. */
#include "core/base/signature.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signature s;
    char text[SIGNATURE_TEXT];
    if (sodium_init() < 0)
        abort();
    if (!signature_parse((const char *)data, size, &s))
        return 0;
    signature_text(&s, text);
    if (strlen(text) != size || memcmp(text, data, size) != 0)
        abort();
    if (signature_verify(&s, SIGNATURE_PLUGIN, "what nobody signed", 18))
        abort();
    return 0;
}
