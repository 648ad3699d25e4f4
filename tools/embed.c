/* Writes the files named on the command line as C strings: struct { name, text } EMBEDDED[], for skeleton.c.
 * Runs while Tendon is built. */
#include <stdio.h>
#include <string.h>

static int write_file(const char *path)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        perror(path);
        return 1;
    }
    /* Its name below the folder of templates, as skeleton.c asks for it. */
    const char *name = strstr(path, "plugins/template/");
    (void)printf("{\"%s\", \"", name ? name + strlen("plugins/template/") : path);
    for (int c; (c = getc(in)) != EOF;)
        if (c == '\n')
            (void)printf("\\n\"\n\"");
        else if (c == '"' || c == '\\')
            (void)printf("\\%c", c);
        else if (c < ' ' || c > '~')
            (void)printf("\\%03o", (unsigned)c);
        else
            (void)putchar(c);
    (void)printf("\"},\n");
    return fclose(in) != 0;
}

int main(int argc, char **argv)
{
    (void)printf("/* Made by embed.c. */\n"
                 "static const struct { const char *name, *text; } EMBEDDED[] = {\n");
    for (int i = 1; i < argc; i++)
        if (write_file(argv[i]) != 0)
            return 1;
    (void)printf("};\n");
    return fflush(stdout) != 0;
}
