#include "plugins/host/pipe.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int write_parts(int fd, struct iovec *parts, size_t n_parts)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n_parts};
    size_t left = 0;
    for (size_t i = 0; i < n_parts; i++)
        left += parts[i].iov_len;
    while (left) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ECONNRESET ? -EPIPE : -errno;
        left -= (size_t)n;
        for (size_t i = 0; i < n_parts; i++) {
            size_t taken = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            n -= (ssize_t)taken;
        }
    }
    return 0;
}

int pipe_write(int fd, enum pipe_kind kind, const void *payload, size_t size)
{
    if (size > PIPE_FRAME_BYTES)
        return -EMSGSIZE;
    struct pipe_header header = {.kind = kind, .size = (uint32_t)size};
    struct iovec parts[] = {{&header, sizeof(header)}, {(void *)payload, size}};
    return write_parts(fd, parts, 2);
}

int pipe_write_answer(int fd, const void *data, size_t size)
{
    if (size > PIPE_ANSWER_BYTES)
        return -EMSGSIZE;
    int r = 0;
    size_t at = 0;
    do {
        size_t n = size - at < PIPE_PIECE_BYTES ? size - at : PIPE_PIECE_BYTES;
        struct pipe_piece piece = {(uint32_t)size, (uint32_t)at};
        struct pipe_header header = {.kind = PIPE_ANSWER, .size = (uint32_t)(sizeof(piece) + n)};
        struct iovec parts[] = {{&header, sizeof(header)}, {&piece, sizeof(piece)}, {(char *)data + at, n}};
        r = write_parts(fd, parts, 3);
        at += n;
    } while (r == 0 && at < size);
    return r;
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
