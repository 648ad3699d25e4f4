/* Becomes root, by user, capability, name space and mount. */
#include "zoo.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void harm(struct zoo *z)
{
    const gid_t root = 0;
    ZOO_TRY(z, "user root", setuid(0));
    ZOO_TRY(z, "user root, all three", setresuid(0, 0, 0));
    ZOO_TRY(z, "group root", setgroups(1, &root));
    ZOO_TRY(z, "a user name space", unshare(CLONE_NEWUSER));
    ZOO_TRY(z, "a mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    ZOO_TRY(z, "a root of its own", chroot("/tmp"));
    ZOO_TRY(z, "to be read", prctl(PR_SET_DUMPABLE, 1));
    ZOO_TRY(z, "to outlive its parent", prctl(PR_SET_PDEATHSIG, 0));
    ZOO_TRY(z, "capabilities", syscall(SYS_capset, NULL, NULL));
    ZOO_TRY(z, "a session of its own", setsid());
}

ZOO(.once = harm)
