/* Any bytes as the document of a request: what is taken must come back the same from what it is written as.
 */
#include "core/base/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    json_t *first = NULL, *second = NULL;
    if (document_decode(data, size, 10000, &first, &err) < 0)
        return 0;
    struct buffer written;
    buffer_init(&written, 16 * 1024 * 1024);
    if (document_encode(first, &written) < 0 ||
        document_decode(written.data, written.size, 10000, &second, &err) < 0 || !json_equal(first, second))
        abort();
    buffer_fini(&written);
    json_decref(first);
    json_decref(second);
    return 0;
}
