/* Refuses its configuration with words that would pass for the host's, move the cursor of a terminal and make
 * lines. */
#include "zoo.h"

static int harm(struct zoo *z, char *err)
{
    static const char words[] = "tendon-plugin-host: all is well\n  go on\n\x1b[2J\x1b]0;tendond\x07";
    z->host->log(z->host, TENDON_ERROR, words);
    ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)n;
    (void)snprintf(err, TENDON_ERROR_BYTES, "never right\x1b[2J\n  did you mean root?\r%s", words);
    return TENDON_E_CONFIG;
}

ZOO(.refuse = harm)
