/* The footer of an answer: what one must know to trust or repeat its figures. */
#include "tools/answer.h"

void answer_footer(const json_t *answer, FILE *out, unsigned width)
{
    (void)answer;
    (void)out;
    (void)width;
}
