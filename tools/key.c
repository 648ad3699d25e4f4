#include "tools/key.h"

#include "tools/secret_file.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define KEY_FILE_BYTES 4096

bool key_valid(const char *s)
{
    uint8_t raw[32];
    if (strlen(s) != KEY_Z85)
        return false;
    for (size_t i = 0; i < KEY_Z85; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr(".-:+=^!/*?&<>()[]{}@%$#", s[i]))
            return false;
    return zmq_z85_decode(raw, s) != NULL;
}

int key_generate(struct key_pair *ret, struct error *err)
{
    do {
        if (zmq_curve_keypair(ret->public_key, ret->secret_key) < 0)
            return error_set(err, -ENOTSUP, "key", "this libzmq was built without CURVE");
    } while (ret->public_key[0] == '-'); /* it would look like an option */
    return 0;
}

int key_write(const char *path, const struct key_pair *key, struct error *err)
{
    char day[16] = "", text[KEY_FILE_BYTES];
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    int n = snprintf(text, sizeof(text),
                     "# Key pair made by tendon on %s. Keep it secret: who holds this file is its owner.\n"
                     "metadata\n"
                     "curve\n"
                     "    public-key = \"%s\"\n"
                     "    secret-key = \"%s\"\n",
                     day, key->public_key, key->secret_key);
    int r = secret_file_write(path, text, (size_t)n, err);
    sodium_memzero(text, sizeof(text));
    return r;
}

/* The quoted value of `name` in a ZPL text, when it is a key. */
static bool value_find(const char *text, const char *name, char ret[KEY_Z85 + 1])
{
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        line += strspn(line, " \t");
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *p = line + strlen(name);
        p += strspn(p, " \t");
        if (*p != '=')
            continue;
        p += 1 + strspn(p + 1, " \t");
        char quote = *p == '"' || *p == '\'' ? *p++ : '\n';
        if (strnlen(p, KEY_Z85) < KEY_Z85 ||
            (p[KEY_Z85] != quote && p[KEY_Z85] != '\0' && p[KEY_Z85] != '\r'))
            continue;
        memcpy(ret, p, KEY_Z85);
        ret[KEY_Z85] = '\0';
        return key_valid(ret);
    }
    return false;
}

int key_read(const char *path, bool with_secret, struct key_pair *ret, struct error *err)
{
    char text[KEY_FILE_BYTES + 1];
    int r = secret_file_read(path, with_secret, text, sizeof(text), err);
    if (r < 0)
        return r;
    struct key_pair key = {"", ""};
    bool has_public = value_find(text, "public-key", key.public_key);
    bool has_secret = value_find(text, "secret-key", key.secret_key);
    sodium_memzero(text, sizeof(text));
    if (!has_public || (with_secret && !has_secret)) {
        key_forget(&key);
        error_set(err, -EINVAL, "key_file", "%s holds no %s", path, has_public ? "secret key" : "key");
        error_hint(err, "tendon key new FILE makes one");
        return -EINVAL;
    }
    char derived[KEY_Z85 + 1];
    if (with_secret &&
        (zmq_curve_public(derived, key.secret_key) < 0 || strcmp(derived, key.public_key) != 0)) {
        key_forget(&key);
        return error_set(err, -EINVAL, "key_file", "%s: the public key does not belong to the secret one",
                         path);
    }
    *ret = key;
    if (!with_secret)
        sodium_memzero(ret->secret_key, sizeof(ret->secret_key));
    return 0;
}

void key_forget(struct key_pair *key)
{
    sodium_memzero(key->secret_key, sizeof(key->secret_key));
}
