#include "core/ingest/pattern.h"

#include "proto/bytes8.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define TEXT_MAX PATTERN_BYTES

/* The value in ASCII: what stands for an ASCII character is that, any other becomes OTHER, which is a letter
 * to all rules. One byte a character, ends with NUL. */
#define OTHER '\x01'

struct text {
    char s[TEXT_MAX + 1];
    size_t n;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == OTHER;
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c);
}

static char ascii_of(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* full-width forms */
        return (char)(c - 0xff01 + '!');
    if (c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x3000)
        return ' ';
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xad)
        return '-';
    if (c >= 0x0660 && c <= 0x0669) /* Arabic-Indic digits, and their eastern forms */
        return (char)(c - 0x0660 + '0');
    if (c >= 0x06f0 && c <= 0x06f9)
        return (char)(c - 0x06f0 + '0');
    return OTHER;
}

static void text_init(struct text *t, const char *data, size_t size)
{
    const uint8_t *p = (const uint8_t *)data, *end = p + size;
    t->n = 0;
    while (p < end && t->n < TEXT_MAX) {
        uint32_t c = *p++;
        if (c >= 0x80) {
            unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
            c &= 0x3fu >> more;
            for (; more > 0 && p < end; more--)
                c = c << 6 | (*p++ & 0x3fu);
            t->s[t->n++] = ascii_of(c);
        } else {
            t->s[t->n++] = (char)c;
        }
    }
    t->s[t->n] = '\0';
}

/* LOCAL@DOMAIN with a dot and two letters at the domain's end. */
static bool has_email(const struct text *t)
{
    for (size_t at = 1; at + 3 < t->n; at++) {
        if (t->s[at] != '@' || !(is_word(t->s[at - 1]) || strchr("._%+-", t->s[at - 1])))
            continue;
        size_t end = at + 1, dot = 0;
        while (is_word(t->s[end]) || t->s[end] == '-' || t->s[end] == '.') {
            if (t->s[end] == '.' && is_letter(t->s[end + 1]) && is_letter(t->s[end + 2]))
                dot = end;
            end++;
        }
        if (dot > at + 1)
            return true;
    }
    return false;
}

static bool has_url(const struct text *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0 && t->s[i] == ':' && t->s[i + 1] == '/' && t->s[i + 2] == '/' && is_word(t->s[i - 1]))
            return true;
        if ((i == 0 || !is_word(t->s[i - 1])) && strncasecmp(&t->s[i], "www.", 4) == 0 &&
            is_word(t->s[i + 4]))
            return true;
        if ((i == 0 || !is_word(t->s[i - 1])) && strncasecmp(&t->s[i], "mailto:", 7) == 0)
            return true;
    }
    return false;
}

/* Four numbers of 0..255 with dots between, and none before or behind. */
static bool is_ipv4(const struct text *t, size_t i)
{
    if (i > 0 && (is_word(t->s[i - 1]) || t->s[i - 1] == '.'))
        return false;
    for (int part = 0; part < 4; part++) {
        unsigned v = 0, n = 0;
        while (is_digit(t->s[i]) && n < 3) {
            v = v * 10 + (unsigned)(t->s[i++] - '0');
            n++;
        }
        if (n == 0 || v > 255 || (part < 3 && t->s[i++] != '.'))
            return false;
    }
    return !is_word(t->s[i]) && !(t->s[i] == '.' && is_digit(t->s[i + 1]));
}

/* A token of hexadecimal digits, colons and dots that is an IPv6 address. */
static bool is_ipv6(const struct text *t, size_t i)
{
    char token[INET6_ADDRSTRLEN + 1];
    size_t n = 0;
    if (i > 0 && (is_word(t->s[i - 1]) || t->s[i - 1] == ':'))
        return false;
    while (n < sizeof(token) - 1 && t->s[i] && strchr("0123456789abcdefABCDEF:.", t->s[i]))
        token[n++] = t->s[i++];
    token[n] = '\0';
    struct in6_addr address;
    if (n > 2 && !is_word(t->s[i]) && inet_pton(AF_INET6, token, &address) == 1)
        return true;
    /* or up to a full stop, of a sentence or a file's name */
    size_t stop = strcspn(token, ".");
    token[stop] = '\0';
    return stop > 2 && stop < n && inet_pton(AF_INET6, token, &address) == 1;
}

static bool has_ip(const struct text *t)
{
    bool has_colon = strchr(t->s, ':') != NULL;
    for (size_t i = 0; i < t->n; i++) {
        if (is_digit(t->s[i]) && is_ipv4(t, i))
            return true;
        if (has_colon && is_ipv6(t, i))
            return true;
    }
    return false;
}

/* --- numbers: groups of digits with separators between ----------------------------------------------------
 */

#define GROUPS_MAX 32

struct group {
    const char *digits;
    unsigned n;
    char before;      /* the separator before it; 0: the run starts here; several count as a blank */
    bool paren, plus; /* "(555)"; a + right before the first group */
};

/* The run of groups that starts at i; returns how many and sets *ret_end behind it. Separators are blank,
 * dash, dot, slash and parentheses, at most three between two groups. */
static unsigned run_read(const struct text *t, size_t i, struct group groups[GROUPS_MAX], size_t *ret_end)
{
    unsigned n_groups = 0;
    size_t before = i;
    while (n_groups < GROUPS_MAX && is_digit(t->s[i])) {
        struct group *g = &groups[n_groups++];
        *g = (struct group){.digits = &t->s[i]};
        g->before = n_groups == 1 ? 0 : i - before == 1 ? t->s[before] : ' ';
        g->paren = i > 0 && t->s[i - 1] == '(';
        g->plus = n_groups == 1 && i > 0 && (t->s[i - 1] == '+' || (g->paren && i > 1 && t->s[i - 2] == '+'));
        while (is_digit(t->s[i])) {
            g->n++;
            i++;
        }
        before = i;
        while (t->s[i] && i - before < 3 && strchr(" -./()", t->s[i]))
            i++;
    }
    *ret_end = before;
    return n_groups;
}

static bool luhn(const struct group *groups, unsigned n_groups, unsigned n_digits)
{
    unsigned sum = 0, place = n_digits;
    for (unsigned g = 0; g < n_groups; g++)
        for (unsigned i = 0; i < groups[g].n; i++, place--) {
            unsigned v = (unsigned)(groups[g].digits[i] - '0');
            if (place % 2 == 0) /* every second from the right */
                v = v > 4 ? 2 * v - 9 : 2 * v;
            sum += v;
        }
    return sum % 10 == 0;
}

static bool groups_are(const struct group *g, unsigned n_left, unsigned a, unsigned b, unsigned c)
{
    return n_left >= 3 && g[0].n == a && g[1].n == b && g[2].n == c;
}

/* Any of the number patterns that starts at groups[0]; n_left groups are there, and the last of them ends the
 * run. */
static bool is_personal_number(const struct group *g, unsigned n_left, bool is_first, bool ends_clean)
{
    unsigned n_digits = 0;
    for (unsigned n = 1; n <= n_left && n_digits <= 19; n++) {
        n_digits += g[n - 1].n;
        if (n > 1 && !strchr(" -", g[n - 1].before))
            break;
        if (n_digits >= 13 && n_digits <= 19 && luhn(g, n, n_digits))
            return true;
    }
    /* SSN */
    if (groups_are(g, n_left, 3, 2, 4))
        return true;
    /* 555-867-5309, (555) 867-5309 */
    if (groups_are(g, n_left, 3, 3, 4))
        return true;
    if (!is_first || !ends_clean)
        return false;
    n_digits = 0;
    for (unsigned i = 0; i < n_left; i++)
        n_digits += g[i].n;
    if (g[0].plus && n_digits >= 7 && n_digits <= 15)
        return true;
    /* 867-5309 */
    if (n_left == 2 && g[0].n == 3 && g[1].n == 4 && g[1].before == '-')
        return true;
    /* 020 7946 0958: the trunk prefix of most countries */
    return n_left >= 2 && g[0].n >= 2 && g[0].digits[0] == '0' && n_digits >= 9 && n_digits <= 15;
}

static bool has_number(const struct text *t)
{
    struct group groups[GROUPS_MAX];
    for (size_t i = 0; i < t->n;) {
        /* digits in a word ("INC0000045") are its name, not a number */
        if (!is_digit(t->s[i]) || (i > 0 && is_letter(t->s[i - 1]))) {
            bool in_word = is_word(t->s[i]);
            i++;
            while (in_word && is_digit(t->s[i]))
                i++;
            continue;
        }
        size_t end;
        unsigned n = run_read(t, i, groups, &end);
        bool ends_clean = !is_letter(t->s[end]);
        for (unsigned g = 0; g < n; g++)
            if (is_personal_number(&groups[g], n - g, g == 0, ends_clean))
                return true;
        i = end;
    }
    return false;
}

bool pattern_is_personal(const char *data, size_t size)
{
    if (size > TEXT_MAX)
        size = TEXT_MAX;
    /* Most codes have no character that any pattern needs. */
    unsigned n_digits = 0;
    uint64_t suspicious = 0;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t w = bytes8_load(data + i, size - i, 'x');
        n_digits += bytes8_count(bytes8_digits(w));
        suspicious |= (w & BYTES8_HIGH) | bytes8_equal(w, '@') | bytes8_equal(w, ':') | bytes8_equal(w, '.');
    }
    if (!suspicious && n_digits < 7)
        return false;

    struct text t;
    text_init(&t, data, size);
    return has_email(&t) || has_url(&t) || has_ip(&t) || has_number(&t);
}
