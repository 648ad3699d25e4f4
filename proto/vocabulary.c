#include "proto/vocabulary.h"

void vocabulary_fix(struct vocabulary *v, unsigned stands_for, const char *s, int number)
{
    char room[WORD_BYTES] = {0};
    size_t size = strlen(s);
    struct word w;
    if (size > WORD_BYTES)
        return;
    memcpy(room, s, size);
    if (!word_make(stands_for, room, size, room + WORD_BYTES, &w))
        return;
    struct word *fixed = &v->fixed[word_hash(&w) / (UINT64_MAX / VOCABULARY_FIXED + 1)];
    if (fixed->tag != 0)
        return;
    *fixed = w;
    fixed->number = (uint32_t)number;
}

uint32_t vocabulary_learn(struct vocabulary *v, const struct word *w, unsigned place)
{
    struct word *learned = &v->learned[place];
    uint32_t turn = learned->number;
    if (turn == UINT32_MAX)
        return 0;
    *learned = *w;
    return learned->number = turn + 1;
}
