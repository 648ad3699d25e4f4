/* Any bytes as the body of what the collector answers a plugin host. */
#include "plugins/host/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp_reader reader;
    struct answer answer;
    mp_reader_init(&reader, data, size);
    if (!answer_read(&reader, &answer))
        return 0;
    volatile uint8_t sum = 0;
    if (answer.cursor_size > WIRE_CURSOR_BYTES || strlen(answer.code) >= sizeof(answer.code) ||
        strlen(answer.message) >= sizeof(answer.message))
        abort();
    for (uint32_t i = 0; i < answer.cursor_size; i++)
        sum = (uint8_t)(sum + answer.cursor[i]);
    return 0;
}
