/* Key files: made whole or not at all, and not read when others may read them. */
#include "tools/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tendon-key-XXXXXX";
static char path[64];
static struct error err;

static int group_begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/key", folder);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void text_write(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_pair_comes_back(void **state)
{
    struct key_pair made, read, open;
    struct stat st;
    (void)state;
    assert_int_equal(key_generate(&made, &err), 0);
    assert_true(key_valid(made.public_key));
    assert_int_equal(key_write(path, &made, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(key_read(path, true, &read, &err), 0);
    assert_string_equal(read.public_key, made.public_key);
    assert_string_equal(read.secret_key, made.secret_key);
    assert_int_equal(key_read(path, false, &open, &err), 0);
    assert_string_equal(open.secret_key, "");
    assert_int_equal(key_write(path, &made, &err), -EEXIST);
    key_forget(&read);
    assert_string_equal(read.secret_key, "");
}

static void others_may_not_read_it(void **state)
{
    struct key_pair read;
    (void)state;
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_read(path, true, &read, &err), -EPERM);
    assert_non_null(strstr(err.hint, "chmod 600"));
    assert_int_equal(key_read(path, false, &read, &err), 0);
}

static void what_is_no_key_is_refused(void **state)
{
    static const char PUBLIC[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    struct key_pair read;
    char text[256];
    (void)state;
    assert_true(key_valid(PUBLIC));
    assert_false(key_valid("short"));
    assert_false(key_valid("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI "));
    text_write("", 0600);
    assert_int_equal(key_read(path, false, &read, &err), -EINVAL);
    text_write("public-key = \"too short\"\n", 0600);
    assert_int_equal(key_read(path, false, &read, &err), -EINVAL);
    (void)snprintf(text, sizeof(text), "curve\n    public-key = \"%s\"\n", PUBLIC);
    text_write(text, 0600);
    assert_int_equal(key_read(path, false, &read, &err), 0);
    assert_int_equal(key_read(path, true, &read, &err), -EINVAL);
    /* the secret of another pair */
    struct key_pair other;
    assert_int_equal(key_generate(&other, &err), 0);
    (void)snprintf(text, sizeof(text), "public-key = \"%s\"\nsecret-key = \"%s\"\n", PUBLIC,
                   other.secret_key);
    text_write(text, 0600);
    assert_int_equal(key_read(path, true, &read, &err), -EINVAL);
    assert_non_null(strstr(err.message, "does not belong"));
    assert_int_equal(key_read("/nowhere/key", true, &read, &err), -ENOENT);
    assert_int_equal(key_read(folder, false, &read, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_comes_back),
        cmocka_unit_test(others_may_not_read_it),
        cmocka_unit_test(what_is_no_key_is_refused),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
