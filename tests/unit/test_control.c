/* The control environment and key files: what is granted is there after a restart, what is revoked is not. */
#include "core/tenant/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

struct place {
    char folder[64];
    char path[128];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/test-control-XXXXXX");
    if (!mkdtemp(p->folder))
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/control", p->folder);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    char command[256];
    (void)snprintf(command, sizeof(command), "rm -rf %s", p->folder);
    int r = system(command);
    free(p);
    return r;
}

static struct control_key key_named(const char *name, const char *source)
{
    struct control_key key = {
        .granted_at = 1700000000000,
        .grant = {.role = ROLE_SOURCE, .tenant = "riverbend", .namespace = "desk", .types = 0x1234},
    };
    char secret[CURVE_KEY_BYTES];
    assert_int_equal(zmq_curve_keypair(key.public_key, secret), 0);
    (void)snprintf(key.name, sizeof(key.name), "%s", name);
    (void)snprintf(key.grant.source, sizeof(key.grant.source), "%s", source);
    (void)snprintf(key.grant.stamp_vendor, sizeof(key.grant.stamp_vendor), "Acme Health");
    return key;
}

static struct control *open_control(const struct place *p)
{
    struct control *c;
    struct error err = ERROR_INIT;
    if (control_open(p->path, &c, &err) < 0)
        fail_msg("%s", err.message);
    return c;
}

static void granted_listed_revoked(void **state)
{
    struct place *p = *state;
    struct control *c = open_control(p);
    struct error err = ERROR_INIT;
    struct grant got;
    struct control_key a = key_named("a", "desk"), b = key_named("b", "phones"), *list;
    size_t n;
    assert_int_equal(control_resolve(c, a.public_key, &got), -ENOENT);
    assert_int_equal(control_grant(c, &b, &err), 0);
    assert_int_equal(control_grant(c, &a, &err), 0);
    assert_int_equal(control_resolve(c, a.public_key, &got), 0);
    assert_string_equal(got.name, "a"); /* who it is comes with the rights */
    memset(got.name, 0, sizeof(got.name));
    assert_memory_equal(&got, &a.grant, sizeof(got));
    assert_int_equal(control_grant(c, &a, &err), -EEXIST);
    struct control_key other = key_named("a", "fax");
    assert_int_equal(control_grant(c, &other, &err), -EEXIST);
    control_close(c);

    c = open_control(p);
    assert_int_equal(control_list(c, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_memory_equal(&list[0], &a, sizeof(a));
    assert_memory_equal(&list[1], &b, sizeof(b));
    free(list);
    struct control_key was;
    assert_int_equal(control_revoke(c, "c", &was, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_key");
    assert_int_equal(control_revoke(c, "a", &was, &err), 0);
    assert_string_equal(was.public_key, a.public_key);
    assert_int_equal(control_resolve(c, a.public_key, &got), -ENOENT);
    assert_int_equal(control_resolve(c, b.public_key, &got), 0);
    control_close(c);

    c = open_control(p);
    assert_int_equal(control_resolve(c, a.public_key, &got), -ENOENT);
    assert_int_equal(control_resolve(c, b.public_key, &got), 0);
    assert_int_equal(control_revoke(c, b.public_key, NULL, &err), 0);
    assert_int_equal(control_list(c, &list, &n), 0);
    assert_int_equal(n, 0);
    free(list);
    control_close(c);
}

static void many_keys_are_found(void **state)
{
    struct place *p = *state;
    struct control *c = open_control(p);
    struct error err = ERROR_INIT;
    struct control_key keys[40];
    for (int i = 0; i < 40; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "many-%02d", i);
        keys[i] = key_named(name, name);
        assert_int_equal(control_grant(c, &keys[i], &err), 0);
    }
    for (int i = 0; i < 40; i += 2)
        assert_int_equal(control_revoke(c, keys[i].name, NULL, &err), 0);
    for (int i = 0; i < 40; i++) {
        struct grant got;
        assert_int_equal(control_resolve(c, keys[i].public_key, &got), i % 2 ? 0 : -ENOENT);
        if (i % 2)
            assert_string_equal(got.source, keys[i].grant.source);
    }
    control_close(c);
}

static int collect(void *ctx, const char *name, json_t *record)
{
    return json_object_set(ctx, name, record);
}

static void tenants_are_kept(void **state)
{
    struct place *p = *state;
    struct control *c = open_control(p);
    struct error err = ERROR_INIT;
    json_t *records =
        json_pack("{s:{s:s, s:[s]}, s:{}}", "riverbend", "zone", "UTC", "declared", "wing", "b");
    json_t *more = json_pack("{s:{s:i}}", "b", "x", 1), *got = json_object();
    assert_int_equal(control_tenants_put(c, records, &err), 0);
    assert_int_equal(control_tenants_put(c, more, &err), 0);
    control_close(c);
    c = open_control(p);
    assert_int_equal(control_tenants_each(c, collect, got, &err), 0);
    json_object_update(records, more);
    assert_true(json_equal(got, records));
    json_decref(records);
    json_decref(more);
    json_decref(got);
    control_close(c);
}

static void keys_of_tenants(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    uint8_t first[TENANT_KEY_BYTES], again[TENANT_KEY_BYTES], other[TENANT_KEY_BYTES];
    char path[256];
    struct stat st;
    assert_int_equal(key_file_tenant(p->folder, "a", 0, first, &err), -ENOENT);
    assert_int_equal(key_file_tenant(p->folder, "a", 1, first, &err), 0);
    assert_int_equal(key_file_tenant(p->folder, "a", 1, again, &err), 0);
    assert_int_equal(key_file_tenant(p->folder, "b", 1, other, &err), 0);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
    (void)snprintf(path, sizeof(path), "%s/tenant-a.key", p->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* others may read it: no secret any more */
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_file_tenant(p->folder, "a", 1, again, &err), -EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    /* not to be mistaken for another file, nor made anew over a damaged one */
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "abcd\n", 5), 5);
    close(fd);
    assert_int_equal(key_file_tenant(p->folder, "a", 1, again, &err), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(key_file_tenant(p->folder, "a", 1, again, &err), -ELOOP);
}

static void key_of_the_server(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    char secret[2][CURVE_KEY_BYTES], public_key[2][CURVE_KEY_BYTES];
    assert_int_equal(key_file_server(p->folder, secret[0], public_key[0], &err), 0);
    assert_int_equal(key_file_server(p->folder, secret[1], public_key[1], &err), 0);
    assert_string_equal(secret[0], secret[1]);
    assert_string_equal(public_key[0], public_key[1]);
    assert_string_not_equal(secret[0], public_key[0]);
    assert_true(control_key_valid(public_key[0]));
    assert_false(control_key_valid("short"));
    assert_false(control_key_valid("0123456789012345678901234567890123456789x"));
    assert_false(control_key_valid("012345678901234567890123456789012345678~"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(granted_listed_revoked, make_place, remove_place),
        cmocka_unit_test_setup_teardown(many_keys_are_found, make_place, remove_place),
        cmocka_unit_test_setup_teardown(tenants_are_kept, make_place, remove_place),
        cmocka_unit_test_setup_teardown(keys_of_tenants, make_place, remove_place),
        cmocka_unit_test_setup_teardown(key_of_the_server, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
