#include "plugins/host/pipe.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int pipe_write(int fd, enum pipe_kind kind, const void *payload, size_t size)
{
    if (size > PIPE_FRAME_BYTES)
        return -EMSGSIZE;
    struct pipe_header header = {.kind = kind, .size = (uint32_t)size};
    struct iovec parts[2] = {{&header, sizeof(header)}, {(void *)payload, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    for (size_t left = sizeof(header) + size; left;) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ECONNRESET ? -EPIPE : -errno;
        left -= (size_t)n;
        for (size_t i = 0; i < 2; i++) {
            size_t taken = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            n -= (ssize_t)taken;
        }
    }
    return 0;
}

int pipe_read(int fd, void *ret, size_t size)
{
    char *at = ret;
    while (size) {
        ssize_t n = read(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno != ECONNRESET ? -errno : -EPIPE;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

bool pipe_reply_is_sound(const struct pipe_reply *reply, size_t payload_bytes)
{
    size_t cursor = reply->cursor_bytes == PIPE_NO_CURSOR ? 0 : reply->cursor_bytes;
    if (reply->data_bytes > PIPE_TEXT_BYTES || cursor > TENDON_CURSOR_BYTES || reply->n_skips > PIPE_SKIPS)
        return false;
    return payload_bytes ==
               sizeof(*reply) + reply->data_bytes + cursor + reply->n_skips * sizeof(struct pipe_skip) &&
           reply->err[sizeof(reply->err) - 1] == '\0';
}
