#include "tools/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_MAX 1000 /* a terminal that says more is not believed */

unsigned terminal_width(int fd)
{
    if (!isatty(fd))
        return 0;
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
    const char *columns = getenv("COLUMNS");
    unsigned width = 0;
    for (const char *p = columns ? columns : ""; *p >= '0' && *p <= '9' && width <= WIDTH_MAX; p++)
        width = width * 10 + (unsigned)(*p - '0');
    return width > 0 && width <= WIDTH_MAX ? width : 80;
}

bool terminal_has_unicode(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *name = NULL;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]) && (!name || !*name); i++)
        name = getenv(NAMES[i]);
    if (!name || !*name)
        return false;
    /* A locale that is not installed here still says what the terminal at the other end can do. */
    if (strcasestr(name, "UTF-8") || strcasestr(name, "UTF8"))
        return true;
    locale_t locale = newlocale(LC_CTYPE_MASK, name, (locale_t)0);
    if (!locale)
        return false;
    bool unicode = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return unicode;
}

uint32_t utf8_next(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    if (*p == 0)
        return 0;
    *s += 1;
    if (*p < 0x80)
        return *p;
    unsigned more = *p >= 0xf0 && *p <= 0xf4  ? 3
                    : *p >= 0xe0 && *p < 0xf0 ? 2
                    : *p >= 0xc2 && *p < 0xe0 ? 1
                                              : 0;
    if (more == 0)
        return 0xfffd;
    uint32_t c = *p & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (more == 3 && (c < 0x10000 || c > 0x10ffff)))
        return 0xfffd;
    *s += more;
    return c;
}

/* Columns of one character: what the C library says, and one for what it does not know. */
static size_t character_width(uint32_t c)
{
    if (c < 0x7f)
        return 1;
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *s)
{
    size_t width = 0;
    for (uint32_t c; (c = utf8_next(&s)) != 0;)
        width += character_width(c);
    return width;
}

static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffd;
}

char *text_clean(const char *s)
{
    /* A replacement takes three bytes where it stands for one. */
    size_t n = strlen(s);
    if (n > SIZE_MAX / 4)
        return NULL;
    char *clean = malloc(3 * n + 1), *at = clean;
    if (!clean)
        return NULL;
    for (;;) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == 0)
            break;
        if (is_harmful(c)) {
            memcpy(at, "\xef\xbf\xbd", 3);
            at += 3;
        } else {
            memcpy(at, from, (size_t)(s - from));
            at += s - from;
        }
    }
    *at = '\0';
    return clean;
}

size_t text_fit(const char *s, size_t columns, size_t *ret_columns)
{
    const char *start = s;
    size_t taken = 0;
    for (;;) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == 0 || taken + character_width(c) > columns) {
            *ret_columns = taken;
            return (size_t)(from - start);
        }
        taken += character_width(c);
    }
}

void text_wrap(FILE *out, const char *s, size_t indent, size_t width)
{
    size_t room = width > indent + 20 ? width - indent : width > 0 ? 20 : SIZE_MAX;
    for (size_t at = 0;;) {
        size_t word = strcspn(s, " \n"), taken = 0;
        char *copy = strndup(s, word);
        if (!copy)
            break;
        taken = text_width(copy);
        if (at > 0 && taken > 0 && taken >= room - at) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            at = 0;
        } else if (at > 0 && taken > 0) {
            (void)fputc(' ', out);
            at++;
        }
        (void)fputs(copy, out);
        free(copy);
        at += taken;
        s += word;
        if (*s == '\0')
            break;
        if (*s++ == '\n') {
            (void)fprintf(out, "\n%*s", s[0] && s[0] != '\n' ? (int)indent : 0, "");
            at = 0;
        }
    }
    (void)fputc('\n', out);
}
