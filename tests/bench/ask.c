/* Asks a collector and times it: each line of standard input is the body of a QUERY as JSON, each line of the
 * output {"ms": from sending to the last byte of the answer, "at_ns": CLOCK_MONOTONIC then, "rows": […]}.
 *
 *   ask ENDPOINT     of a control.sock */
#include "tests/bench/measure.h"
#include "tools/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int ask(struct client *client, const char *line)
{
    struct error err = ERROR_INIT;
    json_error_t why;
    json_t *body = json_loads(line, 0, &why), *answer = NULL, *rows;
    int64_t begin_ns, end_ns;
    char *text;
    int rc;

    if (!body) {
        (void)fprintf(stderr, "bench: a question is no JSON: %s\n", why.text);
        return -1;
    }
    begin_ns = measure_now_ns();
    rc = client_request(client, WIRE_QUERY, body, &answer, &err);
    end_ns = measure_now_ns();
    json_decref(body);
    if (rc < 0) {
        (void)fprintf(stderr, "bench: %s %s\n", err.message, err.hint);
        return rc;
    }
    rows = json_object_get(answer, "rows");
    text = rows ? json_dumps(rows, JSON_COMPACT) : NULL;
    rc = text ? printf("{\"ms\": %.3f, \"at_ns\": %" PRId64 ", \"rows\": %s}\n",
                       (double)(end_ns - begin_ns) / 1e6, end_ns, text)
              : -1;
    free(text);
    json_decref(answer);
    return rc < 0 || fflush(stdout) != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct client_options options = {.endpoint = argc == 2 ? argv[1] : NULL, .timeout_ms = 120000};
    struct error err = ERROR_INIT;
    struct client *client;
    char *line = NULL;
    size_t room = 0;
    int rc = 0;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: ask ENDPOINT\n");
        return 2;
    }
    if (client_open(&options, &client, &err) < 0) {
        (void)fprintf(stderr, "bench: %s\n", err.message);
        return 1;
    }
    while (rc == 0 && getline(&line, &room, stdin) > 0)
        rc = ask(client, line);
    free(line);
    client_close(client);
    return rc == 0 ? 0 : 1;
}
