#include "tools/request.h"

#include <stdio.h>
#include <string.h>

void request_names(json_t *list, const char *text)
{
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        const char *from = at;
        at += size;
        while (size > 0 && *from == ' ')
            from++, size--;
        while (size > 0 && from[size - 1] == ' ')
            size--;
        (void)json_array_append_new(list, json_stringn(from, size));
        if (!*at)
            return;
    }
}

json_t *request_list(const struct invocation *invocation, const char *option)
{
    json_t *list = json_array();
    for (size_t i = 0; i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, option) == 0)
            request_names(list, invocation->given[i].value);
    return list;
}

void request_pass(json_t *request, const struct invocation *invocation, const char *const *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char key[32];
        const char *value = invocation_value(invocation, options[i]);
        if (!value)
            continue;
        (void)snprintf(key, sizeof(key), "%s", options[i]);
        for (char *dash; (dash = strchr(key, '-'));)
            *dash = '_';
        (void)json_object_set_new(request, key, json_string(value));
    }
}
