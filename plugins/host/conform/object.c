#include "plugins/host/conform/object.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ElfW(Ehdr) ehdr;
typedef ElfW(Shdr) shdr;
typedef ElfW(Sym) sym;
typedef ElfW(Dyn) dyn;

struct object {
    const uint8_t *data;
    size_t size;
    const shdr *sections;
    size_t n_sections;
};

/* n things of `each` bytes at an offset, or NULL where they reach beyond the file. */
static const void *table_at(const struct object *o, uint64_t offset, uint64_t n, size_t each)
{
    if (offset > o->size || n > (o->size - offset) / each || offset % 8 != 0)
        return NULL;
    return o->data + offset;
}

static const char *string_at(const struct object *o, const shdr *strings, uint64_t at)
{
    if (strings->sh_offset > o->size || strings->sh_size > o->size - strings->sh_offset ||
        at >= strings->sh_size)
        return "";
    const char *text = (const char *)o->data + strings->sh_offset + at;
    return memchr(text, '\0', strings->sh_size - at) ? text : "";
}

static const shdr *find_section(const struct object *o, uint32_t type)
{
    for (size_t i = 0; i < o->n_sections; i++)
        if (o->sections[i].sh_type == type)
            return &o->sections[i];
    return NULL;
}

static const shdr *linked(const struct object *o, const shdr *section)
{
    return section && section->sh_link < o->n_sections ? &o->sections[section->sh_link] : NULL;
}

/* Whether libraries beside those of the C library are named as needed: they may bring anything. */
static bool needs_others(const struct object *o)
{
    static const char *const C_LIBRARY[] = {"libc.so",       "libm.so",  "libdl.so",
                                            "libpthread.so", "librt.so", "ld-linux"};
    const shdr *section = find_section(o, SHT_DYNAMIC), *strings = linked(o, section);
    size_t n = section ? section->sh_size / sizeof(dyn) : 0;
    const dyn *entries = section ? table_at(o, section->sh_offset, n, sizeof(dyn)) : NULL;
    for (size_t i = 0; entries && strings && i < n; i++) {
        if (entries[i].d_tag != DT_NEEDED)
            continue;
        const char *name = string_at(o, strings, entries[i].d_un.d_val);
        bool is_c = false;
        for (size_t j = 0; j < sizeof(C_LIBRARY) / sizeof(*C_LIBRARY); j++)
            is_c = is_c || strncmp(name, C_LIBRARY[j], strlen(C_LIBRARY[j])) == 0;
        if (!is_c)
            return true;
    }
    return false;
}

static int read_symbols(const struct object *o, void (*symbol)(void *ctx, const char *name, int exported),
                        void *ctx, struct error *err)
{
    const shdr *section = find_section(o, SHT_DYNSYM), *strings = linked(o, section);
    const shdr *versions = find_section(o, SHT_GNU_versym);
    size_t n = section ? section->sh_size / sizeof(sym) : 0;
    const sym *symbols = section ? table_at(o, section->sh_offset, n, sizeof(sym)) : NULL;
    if (!symbols || !strings)
        return error_set(err, -EINVAL, "bad_plugin", "the file has no table of dynamic symbols");
    bool may_come = needs_others(o);
    for (size_t i = 1; i < n; i++) {
        unsigned bind = ELF64_ST_BIND(symbols[i].st_info),
                 visibility = ELF64_ST_VISIBILITY(symbols[i].st_other);
        const char *name = string_at(o, strings, symbols[i].st_name);
        bool is_defined = symbols[i].st_shndx != SHN_UNDEF;
        uint16_t version = 0;
        if (versions && versions->sh_offset <= o->size && (i + 1) * 2 <= versions->sh_size &&
            (i + 1) * 2 <= o->size - versions->sh_offset)
            memcpy(&version, o->data + versions->sh_offset + 2 * i, 2);
        if (is_defined && (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
            (visibility == STV_DEFAULT || visibility == STV_PROTECTED))
            symbol(ctx, name, 1);
        /* A version of 2 or more names the library it comes from. */
        if (!is_defined && bind == STB_GLOBAL && *name && (version & 0x7fff) < 2 && !may_come)
            symbol(ctx, name, 0);
    }
    return 0;
}

int object_read(const char *path, void (*symbol)(void *ctx, const char *name, int exported), void *ctx,
                struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *data = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0
                     ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                     : MAP_FAILED;
    if (fd >= 0)
        (void)close(fd);
    if (data == MAP_FAILED)
        return error_set(err, -EINVAL, "bad_plugin", "the file cannot be read, or is empty");
    struct object o = {.data = data, .size = (size_t)st.st_size};
    const ehdr *head = data;
    int r;
    if (o.size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_type != ET_DYN ||
        head->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        head->e_shentsize != sizeof(shdr) ||
        !(o.sections = table_at(&o, head->e_shoff, head->e_shnum, sizeof(shdr)))) {
        r = error_set(err, -EINVAL, "bad_plugin", "the file is no shared object of this machine");
    } else {
        o.n_sections = head->e_shnum;
        r = read_symbols(&o, symbol, ctx, err);
    }
    (void)munmap(data, o.size);
    return r;
}
