/* Calls home. */
#include "zoo.h"

#include <sys/socket.h>

static void harm(struct zoo *z)
{
    int ends[2];
    ZOO_TRY(z, "TCP", socket(AF_INET, SOCK_STREAM, 0));
    ZOO_TRY(z, "UDP over IPv6", socket(AF_INET6, SOCK_DGRAM, 0));
    ZOO_TRY(z, "a local socket", socket(AF_UNIX, SOCK_STREAM, 0));
    ZOO_TRY(z, "netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    ZOO_TRY(z, "a socket pair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

ZOO(.once = harm)
