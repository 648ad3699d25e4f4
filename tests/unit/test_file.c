/* The service "file/1": records of files as they grow, shrink, are replaced or arrive. */
#include "plugins/host/file/service.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

struct place {
    char folder[64];
    char path[128];
    struct tendon_file_options options;
    uint8_t position[TENDON_FILE_POSITION_BYTES];
    size_t n_position;
    struct tendon_file *file;
};

static const struct tendon_file_1 *SERVICE;

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    SERVICE = file_service();
    strcpy(place->folder, "/tmp/tendon-file-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof(place->path), "%s/a.csv", place->folder);
    place->options = (struct tendon_file_options){
        .struct_size = sizeof(place->options),
        .format = TENDON_FILE_CSV,
        .path = place->path,
        .has_header = 1,
        .settle_ms = -1,
    };
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[128];

    SERVICE->close(place->file);
    snprintf(command, sizeof(command), "rm -rf %s", place->folder);
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

static void put(const char *path, const char *mode, const char *text, size_t size)
{
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

static void write_text(struct place *place, const char *mode, const char *text)
{
    put(place->path, mode, text, strlen(text));
}

static void reopen(struct place *place)
{
    char err[TENDON_ERROR_BYTES];

    SERVICE->close(place->file);
    place->file = NULL;
    assert_int_equal(
        SERVICE->open(NULL, &place->options, place->position, place->n_position, &place->file, err),
        TENDON_OK);
}

/* Everything there is now, as "field|field@line;" and "!problem@line;". */
static const char *drain(struct place *place)
{
    static char all[8192];
    size_t n = 0;

    if (!place->file)
        reopen(place);
    all[0] = '\0';
    for (int i = 0; i < 10000; i++) {
        char err[TENDON_ERROR_BYTES];
        struct tendon_record record;
        int rc = SERVICE->next(place->file, &record, err);

        if (rc == TENDON_IDLE) {
            place->n_position = SERVICE->position(place->file, place->position);
            return all;
        }
        if (rc == TENDON_INVALID) {
            n += (size_t)snprintf(all + n, sizeof(all) - n, "!%s@%llu;", record.problem,
                                  (unsigned long long)record.line);
            continue;
        }
        assert_int_equal(rc, TENDON_OK);
        for (uint32_t f = 0; f < record.n_fields; f++) {
            assert_int_equal(strlen(record.fields[f]), record.sizes[f]);
            n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", f ? "|" : "", record.fields[f]);
        }
        n += (size_t)snprintf(all + n, sizeof(all) - n, "@%llu;", (unsigned long long)record.line);
    }
    fail_msg("no end");
    return NULL;
}

static void test_rfc4180(void **state)
{
    struct place *place = *state;

    write_text(place, "w",
               "\xef\xbb\xbf"
               "a,b\r\n1,2\r\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\",3\n\n,\n5\" pipe,6\n");
    assert_string_equal(drain(place), "1|2@2;x,y|say \"hi\"@3;two\nlines|3@4;|@7;5\" pipe|6@8;");
    assert_int_equal(SERVICE->column(place->file, "a"), 0);
    assert_int_equal(SERVICE->column(place->file, "b"), 1);
    assert_int_equal(SERVICE->column(place->file, "c"), -1);
}

static void test_bad_rows_go_by(void **state)
{
    struct place *place = *state;

    write_text(place, "w", "a,b\n1,2\n1,2,3\n\"x\"y,1\nbad\xff,1\n9\n\"never,\n7,8\n");
    assert_string_equal(drain(place),
                        "1|2@2;!wrong_field_count@3;!bad_quotes@4;!bad_utf8@5;!wrong_field_count@6;");
    /* the open quote may still be closed; when it is clear that it never will be, the rows behind it count */
    place->options.settle_ms = 1;
    place->n_position = 0;
    reopen(place);
    usleep(30000);
    assert_non_null(strstr(drain(place), "!bad_quotes@7;7|8@8;"));
}

static void test_nul_byte(void **state)
{
    struct place *place = *state;

    put(place->path, "w", "a,b\n1\0,2\n3,4\n", 13);
    assert_string_equal(drain(place), "!bad_utf8@2;3|4@3;");
}

static void test_grows_and_resumes(void **state)
{
    struct place *place = *state;

    assert_string_equal(drain(place), ""); /* not there yet */
    write_text(place, "w", "a,b\n1,2\n3,");
    assert_string_equal(drain(place), "1|2@2;");
    write_text(place, "a", "4\n5,6\n7");
    assert_string_equal(drain(place), "3|4@3;5|6@4;");
    reopen(place);
    assert_string_equal(drain(place), "");
    write_text(place, "a", "7,8\n");
    reopen(place);
    assert_string_equal(drain(place), "77|8@5;");
    assert_string_equal(drain(place), "");
}

static void test_shrinks_and_is_rewritten(void **state)
{
    struct place *place = *state;

    write_text(place, "w", "a,b\n1,2\n3,4\n5,6\n");
    drain(place);
    write_text(place, "w", "a,b\n7,8\n");
    assert_string_equal(drain(place), "7|8@2;");
    write_text(place, "w", "b,a,c\n1,2,3\n4,5,6\n7,8,9\n"); /* longer than before, other text */
    assert_string_equal(drain(place), "1|2|3@2;4|5|6@3;7|8|9@4;");
    assert_int_equal(SERVICE->column(place->file, "a"), 1);
    write_text(place, "w", "");
    assert_string_equal(drain(place), "");
    write_text(place, "w", "a\n1\n");
    assert_string_equal(drain(place), "1@2;");
}

static void test_replaced(void **state)
{
    struct place *place = *state;
    char other[160];

    snprintf(other, sizeof(other), "%s.new", place->path);
    write_text(place, "w", "a,b\n1,2\n");
    assert_string_equal(drain(place), "1|2@2;");
    write_text(place, "a", "3,4\n5,6"); /* comes just before the file is replaced, and is not lost */
    put(other, "w", "a,b\n7,8\n", 8);
    assert_int_equal(rename(other, place->path), 0);
    assert_string_equal(drain(place), "3|4@3;5|6@4;7|8@2;");
    assert_string_equal(drain(place), "");
    assert_int_equal(unlink(place->path), 0);
    assert_string_equal(drain(place), "");
    write_text(place, "w", "a,b\n9,9\n");
    assert_string_equal(drain(place), "9|9@2;");
}

static void test_last_line_settles(void **state)
{
    struct place *place = *state;

    place->options.settle_ms = 40;
    write_text(place, "w", "a,b\n1,2\n3,4");
    assert_string_equal(drain(place), "1|2@2;");
    usleep(60000);
    assert_string_equal(drain(place), "3|4@3;");
    assert_string_equal(drain(place), "");
    reopen(place);
    assert_string_equal(drain(place), "");
    write_text(place, "a", "4\n"); /* it was not finished after all: the whole line again */
    assert_string_equal(drain(place), "3|44@3;");
}

static void write_gzip(const char *path, const char *mode, const char *text)
{
    gzFile file = gzopen(path, mode);

    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static void test_gzip(void **state)
{
    struct place *place = *state;
    char bytes[256];
    size_t n;
    FILE *file;

    write_gzip(place->path, "wb", "a,b\n1,2\n3,4\n5,6");
    file = fopen(place->path, "r");
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    put(place->path, "w", bytes, n - 12); /* cut short: what is there is read, the rest waited for */
    drain(place);
    put(place->path, "a", bytes + n - 12, 12);
    place->n_position = 0;
    reopen(place);
    assert_string_equal(drain(place), "1|2@2;3|4@3;5|6@4;"); /* the end of the stream ends the last line */
    write_gzip(place->path, "ab", "\n7,8\n");                /* a further member */
    reopen(place);
    assert_string_equal(drain(place), "5|6@4;7|8@5;");
    bytes[n - 6] ^= 1; /* a wrong check sum */
    put(place->path, "w", bytes, n);
    assert_non_null(strstr(drain(place), "!bad_gzip@"));
    assert_string_equal(drain(place), "");
}

static void test_encodings(void **state)
{
    struct place *place = *state;
    static const char utf16[] = "\xff\xfe"
                                "a\0\n\0"
                                "\xe4\0\n\0"
                                "\x3d\xd8\x00\xde\n\0";

    write_text(place, "w", "a\n\x80\xe4\n");
    place->options.encoding = "latin1";
    assert_string_equal(drain(place), "\xc2\x80\xc3\xa4@2;");
    place->options.encoding = "cp1252";
    place->n_position = 0;
    reopen(place);
    assert_string_equal(drain(place), "\xe2\x82\xac\xc3\xa4@2;");
    write_text(place, "a", "\x84\n");
    reopen(place);
    assert_string_equal(drain(place), "\xe2\x80\x9e@3;");
    put(place->path, "w", utf16, sizeof(utf16) - 1);
    place->options.encoding = "utf-16";
    place->n_position = 0;
    reopen(place);
    assert_string_equal(drain(place), "\xc3\xa4@2;\xf0\x9f\x98\x80@3;");
    put(place->path, "a", "z\0\n\0", 4);
    reopen(place);
    assert_string_equal(drain(place), "z@4;");
}

/* Many rows: records across chunks, and a seek into the middle in every encoding. */
static void test_long_file_resumes(void **state)
{
    static const char *const encodings[] = {"utf-8", "latin1"};
    struct place *place = *state;

    for (int e = 0; e < 2; e++) {
        FILE *file = fopen(place->path, "w");
        struct tendon_record record;
        char err[TENDON_ERROR_BYTES];
        int n = 0, rc;

        fprintf(file, "n,text\n");
        for (int i = 0; i < 20000; i++)
            fprintf(file, "%d,some text %s of row %d\n", i, e ? "\xe4" : "\xc3\xa4", i);
        fclose(file);
        place->options.encoding = encodings[e];
        place->n_position = 0;
        reopen(place);
        while ((rc = SERVICE->next(place->file, &record, err)) == TENDON_OK) {
            assert_int_equal(strtol(record.fields[0], NULL, 10), n);
            assert_int_equal(record.line, n + 2);
            if (++n % 4999 == 0) {
                place->n_position = SERVICE->position(place->file, place->position);
                reopen(place);
            }
        }
        assert_int_equal(rc, TENDON_IDLE);
        assert_int_equal(n, 20000);
    }
}

static void test_too_long(void **state)
{
    struct place *place = *state;
    FILE *file = fopen(place->path, "w");

    fprintf(file, "a\n1\n");
    for (int i = 0; i < 3 * 1024 * 1024; i++)
        fputc('x', file);
    fprintf(file, "\n2\n");
    fclose(file);
    assert_string_equal(drain(place), "1@2;!too_long@3;2@4;");
}

static void test_folder(void **state)
{
    struct place *place = *state;
    char path[192], expected[64];

    place->options.path = place->folder;
    place->options.pattern = "*.csv";
    write_text(place, "w", "a\n1\n");
    snprintf(path, sizeof(path), "%s/b.txt", place->folder);
    put(path, "w", "a\n9\n", 4);
    snprintf(path, sizeof(path), "%s/.c.csv", place->folder);
    put(path, "w", "a\n9\n", 4);
    assert_string_equal(drain(place), "1@2;");
    /* more files than a position has room for: none is read twice, none is left out */
    for (int i = 0; i < 150; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "a\n%d\n", i);

        snprintf(path, sizeof(path), "%s/f%d.csv", place->folder, i);
        put(path, "w", text, (size_t)n);
        if (i % 40 == 0)
            reopen(place);
        snprintf(expected, sizeof(expected), "%d@2;", i);
        if (i % 10 == 0)
            assert_string_equal(drain(place), expected);
        else if (i % 10 == 9)
            assert_int_equal(strlen(drain(place)), i < 10 ? 36 : i < 100 ? 45 : 54);
    }
    reopen(place);
    assert_string_equal(drain(place), "");
    assert_true(place->n_position <= TENDON_FILE_POSITION_BYTES);
    write_text(place, "a", "2\n"); /* forgotten, changed: from its beginning */
    assert_string_equal(drain(place), "1@2;2@3;");
    snprintf(path, sizeof(path), "%s/f149.csv", place->folder);
    put(path, "a", "x\n", 2);
    assert_string_equal(drain(place), "x@3;");
}

static void test_no_header_and_lines(void **state)
{
    struct place *place = *state;

    write_text(place, "w", "a;b\n\"1\";2;3\n");
    place->options.has_header = 0;
    place->options.separator = ';';
    assert_string_equal(drain(place), "a|b@1;1|2|3@2;");
    place->options.format = TENDON_FILE_LINES;
    place->n_position = 0;
    reopen(place);
    assert_string_equal(drain(place), "a;b@1;\"1\";2;3@2;");
}

static void test_refuses(void **state)
{
    struct place *place = *state;
    char err[TENDON_ERROR_BYTES] = "";
    struct tendon_file_options options = place->options;

    options.encoding = "ebcdic";
    assert_int_equal(SERVICE->open(NULL, &options, NULL, 0, &place->file, err), TENDON_E_CONFIG);
    assert_non_null(strstr(err, "encoding"));
    options = place->options;
    options.separator = '"';
    assert_int_equal(SERVICE->open(NULL, &options, NULL, 0, &place->file, err), TENDON_E_CONFIG);
    assert_int_equal(SERVICE->open(NULL, &place->options, "junk", 4, &place->file, err), TENDON_E_CURSOR);
    assert_null(place->file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_rfc4180),
        TEST(test_bad_rows_go_by),
        TEST(test_nul_byte),
        TEST(test_grows_and_resumes),
        TEST(test_shrinks_and_is_rewritten),
        TEST(test_replaced),
        TEST(test_last_line_settles),
        TEST(test_gzip),
        TEST(test_encodings),
        TEST(test_long_file_resumes),
        TEST(test_too_long),
        TEST(test_folder),
        TEST(test_no_header_and_lines),
        TEST(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
