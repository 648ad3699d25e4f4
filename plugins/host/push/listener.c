#include "plugins/host/push/listener.h"

#include "core/base/quantity.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static socklen_t read_address(const char *text, union address *ret)
{
    int64_t port;
    const char *colon = strrchr(text, ':');
    memset(ret, 0, sizeof(*ret));
    if (strncmp(text, "unix:/", 6) == 0 && strlen(text + 5) < sizeof(ret->local.sun_path)) {
        ret->local.sun_family = AF_UNIX;
        (void)strcpy(ret->local.sun_path, text + 5);
        return sizeof(ret->local);
    }
    if (!colon || quantity_int(colon + 1, 1, 65535, &port) < 0)
        return 0;
    if (strncmp(text, "[::1]:", 6) == 0) {
        ret->v6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        return sizeof(ret->v6);
    }
    ret->v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return sizeof(ret->v4);
}

/* Whether a socket in the file system is left over: nobody takes a connection there. */
static bool is_left_over(const union address *address, socklen_t size)
{
    struct stat st;
    if (lstat(address->local.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, &address->any, size) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    return yes;
}

int listener_open(const char *text, struct error *err)
{
    union address address;
    int on = 1;
    socklen_t size = read_address(text, &address);
    if (size == 0)
        return error_set(err, -EINVAL, "listen", "a listen option names no address on loopback");
    bool is_local = address.any.sa_family == AF_UNIX;
    if (is_local && is_left_over(&address, size))
        (void)unlink(address.local.sun_path);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && !is_local)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0 ||
        (is_local && chmod(address.local.sun_path, 0660) < 0)) {
        int r = -errno;
        if (fd >= 0)
            (void)close(fd);
        return error_set(err, r, "listen", "cannot take requests at the address of the listen option: %s",
                         strerror(-r));
    }
    return fd;
}
