#include "plugins/host/ask.h"

#include <string.h>

int ask_result(const char *answer, size_t size, char *err)
{
    struct parcel_field result = parcel_find(answer, size, PARCEL_RESULT);
    struct parcel_field error = parcel_find(answer, size, PARCEL_ERROR);
    size_t n = error.size < TENDON_ERROR_BYTES - 1 ? error.size : TENDON_ERROR_BYTES - 1;
    if (error.data) {
        memcpy(err, error.data, n);
        err[n] = '\0';
    }
    return result.data ? (int)parcel_number(&result) : TENDON_E_TEMPORARY;
}
