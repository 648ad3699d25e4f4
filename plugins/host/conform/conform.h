/* Conformance tests of plugins: `tendon-plugin-host --conform`, which `tendon plugin check` runs.
 *
 * A test is a function that drives the plugin as a host does (play.h) and says where it breaks its contract.
 * Each runs in a process of its own, with a seed from which all that is random in it follows. Standard input
 * holds the job, {options, folder, replay, only: [name], seed}; standard output gets one JSON object a line:
 * {seed, tests: n} first, then {name, verdict: "passed" | "failed" | "skipped", message, why, seed, ms}. */
#ifndef TENDON_HOST_CONFORM_H
#define TENDON_HOST_CONFORM_H

#include "core/base/error.h"
#include "plugins/host/http/tape.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conform {
    const char *plugin;  /* absolute path */
    json_t *description; /* NULL: it cannot be loaded */
    json_t *options;     /* as given, with absolute paths; an object */
    bool can_work;       /* every option that is required is given */
    const char *replay;  /* path of a tape, or NULL */
    uint64_t chance;     /* state of conform_random */
    char message[640];
};

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_SKIPPED };

struct conform_test {
    const char *name;
    const char *why; /* a paragraph for whoever has to mend it */
    enum verdict (*run)(struct conform *c);
    bool works; /* needs the plugin at work: the options it requires */
};

extern const struct conform_test CONFORM_LOAD[], CONFORM_CONFIG[], CONFORM_LIFE[], CONFORM_SOURCE[];

/* Sets the message and returns the verdict. */
enum verdict conform_fail(struct conform *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum verdict conform_skip(struct conform *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts where it happened in front of the message. */
void conform_prefix(struct conform *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In [0, below). */
uint64_t conform_random(struct conform *c, uint64_t below);

/* Whether the plugin has an option of that type. */
bool conform_has_type(const struct conform *c, const char *type);

/* The whole of it. 0 when no test failed, 1 when one did; −errno and err when none could run. */
int conform_main(const char *plugin, struct error *err);

#endif
