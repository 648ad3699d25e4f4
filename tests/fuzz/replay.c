/* Runs a fuzz target over a folder of inputs without a fuzzer: each input whole, and cut short at each of its
 * bytes (of long ones: at 512 places), in a piece of memory of its very size, so that a sanitizer sees a read
 * of one byte too many. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES (1024 * 1024)
#define CUTS        512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_exact(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int run_file(const char *folder, const char *name, uint8_t *room)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
        return -ENAMETOOLONG;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return -errno;
    size_t size = fread(room, 1, INPUT_BYTES, file);
    int r = ferror(file) ? -EIO : 0;
    (void)fclose(file);
    size_t step = size / CUTS + 1;
    for (size_t cut = 0; r == 0 && cut < size; cut += step)
        r = run_exact(room, cut);
    return r ? r : run_exact(room, size);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    uint8_t *room = malloc(INPUT_BYTES);
    if (!folder || !room) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    unsigned n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        int r = run_file(argv[1], entry->d_name, room);
        if (r < 0) {
            (void)fprintf(stderr, "%s/%s: %s\n", argv[1], entry->d_name, strerror(-r));
            return 1;
        }
        n++;
    }
    free(room);
    (void)closedir(folder);
    (void)printf("%u inputs\n", n);
    return n > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
