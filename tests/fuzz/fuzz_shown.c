/* Any document as the answer of a query: a collector of another version, or no collector at all, must not
 * harm who asks. What is written for a terminal holds nothing that a terminal acts on. */
#include "core/base/document.h"
#include "tools/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *answer = NULL;
    struct table table;
    char *text = NULL;
    size_t written = 0;
    if (document_decode(data, size, 10000, &answer, NULL) < 0)
        return 0;
    FILE *out = open_memstream(&text, &written);
    if (!out)
        abort();
    table_init(&table);
    answer_table(answer, "1mo", &table);
    (void)table_write(&table, out, 80);
    (void)table_write_markdown(&table, out);
    table_fini(&table);
    answer_chart(answer, size % 2 ? "1mo" : NULL, out, 20 + (unsigned)size % 200, size % 3 == 0);
    answer_footer(answer, out, 80, size % 3 == 0);
    (void)answer_is_empty(answer);
    if (fclose(out) != 0)
        abort();
    for (size_t i = 0; i < written; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
            abort();
    free(text);
    json_decref(answer);
    return 0;
}
