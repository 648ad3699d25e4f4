/* The form of a survey: its questions, their scales, and what the words of its answers mean.
 *
 * Texts given to the functions are the configuration's and live as long as the form. One thread. */
#ifndef TENDON_SURVEY_FORM_H
#define TENDON_SURVEY_FORM_H

#include "plugins/common/draft.h"

#define FORM_QUESTIONS_MAX 60
#define FORM_WORDS_MAX     2048

/* In thousandths. worst may be above best: a scale on which low is good, which is turned. */
struct scale {
    int64_t worst, best;
};

struct form {
    uint32_t n_questions;
    struct {
        const char *word; /* the column's name, or what stands in the column of questions */
        const char *name; /* empty: not for Tendon */
    } questions[FORM_QUESTIONS_MAX];
    uint32_t n_scales;
    struct {
        const char *question;
        struct scale scale;
    } scales[FORM_QUESTIONS_MAX];
    struct form_word *words;
    uint32_t n_words;
};

void form_fini(struct form *form);

/* "1..5", worst and best. False when it is none. */
bool form_parse_scale(const char *text, struct scale *ret);
/* "QUESTION:WORD" → VALUE; the question may be *, for all, and the word may be *, for all others. Words are
 * looked up whatever the case of their ASCII letters. 0, -EINVAL (the key is none), or -ENOMEM. */
int form_add_word(struct form *form, const char *key, const char *value);
/* After the last form_add_word. */
void form_sort_words(struct form *form);

/* The name of the question that a word stands for; NULL when there is none. */
const char *form_question(const struct form *form, struct mapping_string word);
const struct scale *form_scale(const struct form *form,
                               const char *question); /* NULL: none, its answers are choices */

/* Sets what `text` answers into the draft: score, min and max by the scale, or without one choice. 1; 0 when
 * it means no answer; -1 when it is no good (draft->problem). */
int form_answer(const struct form *form, struct draft *draft, const char *question, const struct scale *scale,
                struct mapping_string text);

#endif
