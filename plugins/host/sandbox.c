#include "plugins/host/sandbox.h"

#include "core/supervise/channel.h"
#include "plugins/host/filter.h"
#include "plugins/host/landlock.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

#define STACK_BYTES (8ull * 1024 * 1024)
#define NICE        10 /* below the collector, and below the outer process that watches this one */

/* At most so much; less where tendond was given less. */
static int set_limit(int resource, rlim_t value, struct error *err)
{
    struct rlimit limit;
    int r = getrlimit((__rlimit_resource_t)resource, &limit);
    if (r == 0) {
        limit.rlim_max = limit.rlim_max < value ? limit.rlim_max : value;
        limit.rlim_cur = limit.rlim_max;
        r = setrlimit((__rlimit_resource_t)resource, &limit);
    }
    if (r < 0)
        return error_set(err, -errno, "sandbox", "cannot set resource limit %d: %s", resource,
                         strerror(errno));
    return 0;
}

static int limit_resources(uint64_t memory_bytes, struct error *err)
{
    const struct {
        int resource;
        rlim_t limit;
    } limits[] = {
        {RLIMIT_CORE, 0},     {RLIMIT_FSIZE, 0},       {RLIMIT_NOFILE, 256},        {RLIMIT_MEMLOCK, 0},
        {RLIMIT_MSGQUEUE, 0}, {RLIMIT_SIGPENDING, 64}, {RLIMIT_STACK, STACK_BYTES},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(limits) / sizeof(*limits); i++)
        r = set_limit(limits[i].resource, limits[i].limit, err);
    /* A sanitizer's shadow is far larger than any limit that makes sense. */
    if (r == 0 && memory_bytes && !IS_SANITIZED)
        r = set_limit(RLIMIT_DATA, memory_bytes, err);
    return r;
}

/* Gives up all rights but these, whoever this is: also another user may have been given some. */
static int keep_rights(unsigned rights)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = rights, .permitted = rights}};
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int change_user(uid_t user, gid_t group)
{
    /* Rights survive the change, to be given up right after it. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
        return -errno;
    return 0;
}

static int become_user(const struct sandbox_options *options, bool has_landlock, struct error *err)
{
    uid_t user = options->user ? options->user : options->nobody ? options->nobody : CHANNEL_NOBODY_LAST;
    gid_t group = options->user ? options->group : (gid_t)user;
    bool was_root = geteuid() == 0;
    /* Reading files whatever their modes say. */
    bool reads = was_root && has_landlock && !options->user;
    int r = was_root ? change_user(user, group) : 0;
    if (r < 0)
        return error_set(
            err, r, "sandbox",
            "cannot become user %u, group %u: %s (plugin_user in the configuration names another)", user,
            group, strerror(-r));
    r = keep_rights(reads ? 1u << CAP_DAC_READ_SEARCH : 0);
    return r < 0 ? error_set(err, r, "sandbox", "cannot give up rights: %s", strerror(-r)) : 0;
}

int sandbox_enter(const struct sandbox_options *options, bool *ret_landlock, struct error *err)
{
    int ruleset;
    int r = landlock_open(options->paths, options->n_paths, &ruleset, err);
    if (r < 0)
        return r;
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    r = become_user(options, ruleset >= 0, err);
    /* After the change of user, which clears it. The outer process started this one and waits for it. */
    if (r == 0 && (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
                   prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
        r = error_set(err, -errno, "sandbox", "cannot give up privileges: %s", strerror(errno));
    if (r == 0)
        r = limit_resources(options->memory_bytes, err);
    if (r == 0 && ruleset >= 0)
        r = landlock_enter(ruleset, err);
    if (ruleset >= 0)
        (void)close(ruleset);
    *ret_landlock = r == 0 && ruleset >= 0;
    return r;
}

int sandbox_seal(struct error *err)
{
    /* Not before the host's own thread is there; the filter refuses what this one does not. */
    int r = set_limit(RLIMIT_NPROC, 0, err);
    return r < 0 ? r : filter_install(err);
}

int sandbox_watch(struct error *err)
{
    int ruleset;
    /* A sanitizer looks for leaks as a debugger does, and starts programs to name what it finds. */
    if (IS_SANITIZED)
        return 0;
    int r = landlock_open_readable(&ruleset, err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = error_set(err, -errno, "sandbox", "cannot give up privileges: %s", strerror(errno));
    if (r == 0 && ruleset >= 0)
        r = landlock_enter(ruleset, err);
    if (ruleset >= 0)
        (void)close(ruleset);
    return r < 0 ? r : filter_install_outer(err);
}
