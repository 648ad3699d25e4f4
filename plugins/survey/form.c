#include "plugins/survey/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct form_word {
    struct mapping_string question, word;
    const char *value;
};

void form_fini(struct form *form)
{
    free(form->words);
    form->words = NULL;
    form->n_words = 0;
}

bool form_parse_scale(const char *text, struct scale *ret)
{
    const char *dots = strstr(text, "..");
    struct scale scale;

    if (!dots || !draft_thousandths((struct mapping_string){text, (size_t)(dots - text)}, &scale.worst) ||
        !draft_thousandths((struct mapping_string){dots + 2, strlen(dots + 2)}, &scale.best) ||
        scale.worst == scale.best || llabs(scale.worst) > EVENT_SCORE_MAX * 1000ll ||
        llabs(scale.best) > EVENT_SCORE_MAX * 1000ll)
        return false;
    *ret = scale;
    return true;
}

/* --- words -----------------------------------------------------------------------------------------------
 */

static int string_order(struct mapping_string left, struct mapping_string right)
{
    int order = strncasecmp(left.data, right.data, left.size < right.size ? left.size : right.size);

    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

static int word_order(const void *left, const void *right)
{
    const struct form_word *a = left, *b = right;
    int order = string_order(a->question, b->question);

    return order != 0 ? order : string_order(a->word, b->word);
}

int form_add_word(struct form *form, const char *key, const char *value)
{
    const char *colon = strchr(key, ':');
    struct form_word *words;

    if (!colon || colon == key || !colon[1])
        return -EINVAL;
    words = reallocarray(form->words, form->n_words + 1, sizeof(*words));
    if (!words)
        return -ENOMEM;
    form->words = words;
    words[form->n_words++] =
        (struct form_word){{key, (size_t)(colon - key)}, {colon + 1, strlen(colon + 1)}, value};
    return 0;
}

void form_sort_words(struct form *form)
{
    if (form->n_words > 0)
        qsort(form->words, form->n_words, sizeof(*form->words), word_order);
}

static const char *find(const struct form *form, struct mapping_string question, struct mapping_string word)
{
    const struct form_word key = {question, word, NULL}, *found = NULL;

    if (form->n_words > 0)
        found = bsearch(&key, form->words, form->n_words, sizeof(key), word_order);
    return found ? found->value : NULL;
}

/* What a word means: as the question says, as all questions say, or what the question, then all, say of words
 * that nobody names. */
static struct mapping_string translate(const struct form *form, const char *question,
                                       struct mapping_string text)
{
    static const struct mapping_string any = {"*", 1};
    struct mapping_string own = {question, strlen(question)};
    const char *value = find(form, own, text);

    if (!value)
        value = find(form, any, text);
    if (!value)
        value = find(form, own, any);
    if (!value)
        value = find(form, any, any);
    return value ? (struct mapping_string){value, strlen(value)} : text;
}

/* --- questions -------------------------------------------------------------------------------------------
 */

const char *form_question(const struct form *form, struct mapping_string word)
{
    for (uint32_t i = 0; i < form->n_questions; i++)
        if (strncmp(form->questions[i].word, word.data, word.size) == 0 &&
            !form->questions[i].word[word.size])
            return form->questions[i].name;
    return NULL;
}

const struct scale *form_scale(const struct form *form, const char *question)
{
    for (uint32_t i = 0; i < form->n_scales; i++)
        if (strcmp(form->scales[i].question, question) == 0)
            return &form->scales[i].scale;
    return NULL;
}

int form_answer(const struct form *form, struct draft *draft, const char *question, const struct scale *scale,
                struct mapping_string text)
{
    int64_t score, low, high;

    text = translate(form, question, text);
    if (text.size == 0)
        return 0;
    if (!scale)
        return draft_set(draft, FIELD_CHOICE, text) == DRAFT_OK ? 1 : -1;
    low = scale->worst < scale->best ? scale->worst : scale->best;
    high = scale->worst < scale->best ? scale->best : scale->worst;
    draft->problem = "bad_score";
    if (!draft_thousandths(text, &score))
        return -1;
    draft->problem = "out_of_scale";
    if (score < low || score > high)
        return -1;
    draft_set_score(draft, FIELD_SCORE, scale->worst < scale->best ? score : low + high - score);
    draft_set_score(draft, FIELD_MIN, low);
    draft_set_score(draft, FIELD_MAX, high);
    return 1;
}
