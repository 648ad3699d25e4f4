/* tendon plugin key, sign, verify: on the vendor's machine or the operator's, without a collector. */
#include "tools/output.h"
#include "tools/session.h"
#include "tools/signing.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const struct output_column COLUMNS[] = {
    {"plugin", "plugin", CELL_TEXT},
    {"key", "signed by", CELL_WHOLE},
};

static int plugin_key_run(const struct invocation *invocation)
{
    uint8_t public[SIGNATURE_KEY_BYTES];
    char text[SIGNATURE_KEY_TEXT];
    struct error err = ERROR_INIT;
    const char *path = invocation_argument(invocation, 0);
    if (signing_key_make(path, public, &err) < 0)
        return error_print(&err);
    signature_key_text(public, text);
    (void)printf("%s\n", text);
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "The key pair is in %s: keep that file secret. Above is the public key; who is to run your "
                  "plugins names it in the configuration:\n"
                  "    plugin_keys: [\"%s\"]\n",
                  path, text);
    return output_finish(0);
}

/* Each plugin, one after the other; the first that fails ends it. */
static int plugin_sign_run(const struct invocation *invocation)
{
    uint8_t secret[SIGNATURE_SECRET_BYTES];
    struct error err = ERROR_INIT;
    const char *key = invocation_value(invocation, "key");
    if (!key) {
        error_set(&err, -EINVAL, "usage", "tendon plugin sign needs --key FILE: the pair to sign with");
        error_hint(&err, "tendon plugin key FILE makes one");
        return error_print(&err);
    }
    int r = signing_key_read(key, secret, &err);
    for (size_t i = 0; r == 0 && i < invocation->n_arguments; i++) {
        const char *path = invocation_argument(invocation, i);
        r = signing_sign(path, secret, &err);
        if (r == 0)
            (void)printf("%s" SIGNATURE_SUFFIX "\n", path);
    }
    sodium_memzero(secret, sizeof(secret));
    return r < 0 ? error_print(&err) : output_finish(0);
}

/* The i-th --key, or NULL. */
static const char *key_at(const struct invocation *invocation, size_t i)
{
    for (size_t j = 0; j < invocation->n_given; j++)
        if (strcmp(invocation->given[j].option->name, "key") == 0 && i-- == 0)
            return invocation->given[j].value;
    return NULL;
}

static bool is_one_of(const struct invocation *invocation, const char *key)
{
    const char *each;
    for (size_t i = 0; (each = key_at(invocation, i)); i++)
        if (strcmp(each, key) == 0)
            return true;
    return !invocation_has(invocation, "key");
}

static int plugin_verify_run(const struct invocation *invocation)
{
    struct signature s;
    struct error err = ERROR_INIT;
    char key[SIGNATURE_KEY_TEXT];
    uint8_t ignored[SIGNATURE_KEY_BYTES];
    const char *path = invocation_argument(invocation, 0);
    for (size_t i = 0; key_at(invocation, i); i++)
        if (!signature_key_parse(key_at(invocation, i), ignored)) {
            error_set(&err, -EINVAL, "usage",
                      "--key takes a public key as tendon plugin key prints it: ed25519:…");
            return error_print(&err);
        }
    if (signing_verify(path, &s, &err) < 0)
        return error_print(&err);
    signature_key_text(s.key, key);
    if (!is_one_of(invocation, key)) {
        error_set(&err, -EINVAL, "bad_signature", "%s is signed by %s, which is none of the keys given", path,
                  key);
        return error_print(&err);
    }
    json_t *shown = json_pack("{s:s,s:s}", "plugin", path, "key", key);
    int code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    json_decref(shown);
    return code;
}

static const struct argument KEY_ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE,
     .help = "where the pair is written; one that is there is never overwritten"},
    {NULL},
};

static const struct option SIGN_OPTIONS[] = {
    {"key", 'k', OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "the pair to sign with, from tendon plugin key; required"},
    {NULL},
};

static const struct argument SIGN_ARGUMENTS[] = {
    {"PLUGIN.so", .many = true, .names = NAMES_FILE, .help = "what is signed"},
    {NULL},
};

static const struct option VERIFY_OPTIONS[] = {
    {"key", 'k', OPTION_MANY, "KEY", NULL, NAMES_NOTHING,
     "a public key that may have signed it; without it anybody may, and is named"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument VERIFY_ARGUMENTS[] = {
    {"PLUGIN.so", .names = NAMES_FILE, .help = "the plugin; its signature stands beside it in PLUGIN.so.sig"},
    {NULL},
};

const struct command CMD_PLUGIN_KEY = {
    .name = "plugin key",
    .summary = "make a key pair that signs plugins",
    .description =
        "Prints the public key, which operators name under plugin_keys of a tenant. The file is the "
        "secret: whoever holds it can have the collectors that name the key load anything.",
    .arguments = KEY_ARGUMENTS,
    .examples = "  tendon plugin key vendor.key\n",
    .run = plugin_key_run,
};

const struct command CMD_PLUGIN_SIGN = {
    .name = "plugin sign",
    .summary = "sign plugins: what is loaded is what left your hands",
    .description =
        "Writes PLUGIN.so.sig beside each plugin (Ed25519 over its SHA-512). Deliver both, side by side.",
    .options = SIGN_OPTIONS,
    .arguments = SIGN_ARGUMENTS,
    .examples = "  tendon plugin sign --key vendor.key mine.so\n",
    .run = plugin_sign_run,
};

const struct command CMD_PLUGIN_VERIFY = {
    .name = "plugin verify",
    .summary = "say whose a plugin is, and whether it is what they signed",
    .description = "Says who signed it; with --key also whether that is somebody you meant. The collector "
                   "looks again each time it loads one, at the very bytes that it loads.",
    .options = VERIFY_OPTIONS,
    .arguments = VERIFY_ARGUMENTS,
    .examples = "  tendon plugin verify mine.so\n"
                "  tendon plugin verify mine.so --key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n",
    .run = plugin_verify_run,
};
