#include "core/ingest/connection.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void connections_init(struct connections *c)
{
    *c = (struct connections){.limit = CONNECTION_BYTES, .unheard_limit = CONNECTIONS_BYTES};
}

void connections_fini(struct connections *c)
{
    free(c->at);
    *c = (struct connections){.limit = CONNECTION_BYTES, .unheard_limit = CONNECTIONS_BYTES};
}

/* The place of a descriptor; NULL when there is no room for it: it is not watched. */
static struct connection *place(struct connections *c, int fd)
{
    if (fd < 0 || fd >= CONNECTIONS_MAX)
        return NULL;
    if ((size_t)fd >= c->room) {
        size_t room = c->room ? c->room : 256;
        while (room <= (size_t)fd)
            room *= 2;
        struct connection *at = realloc(c->at, room * sizeof(*at));
        if (!at)
            return NULL;
        memset(at + c->room, 0, (room - c->room) * sizeof(*at));
        c->at = at;
        c->room = room;
    }
    return &c->at[fd];
}

/* A count that began anew meanwhile, for another tenant, knows nothing of it. */
static void disown(struct connection *p)
{
    if (p->owner && *p->owner > 0)
        --*p->owner;
    p->owner = NULL;
}

void connections_opened(struct connections *c, int fd, bool is_tcp)
{
    struct connection *p = place(c, fd);
    if (!p)
        return;
    connections_closed(c, fd); /* its end was not told */
    c->n_open++;
    *p = (struct connection){.is_open = true, .is_tcp = is_tcp};
}

void connections_closed(struct connections *c, int fd)
{
    struct connection *p = fd >= 0 && (size_t)fd < c->room ? &c->at[fd] : NULL;
    if (!p || !p->is_open)
        return;
    c->n_open--;
    c->unheard -= p->unheard;
    disown(p);
    *p = (struct connection){.is_open = false};
}

void connections_heard(struct connections *c, int fd)
{
    if (fd >= 0 && (size_t)fd < c->room)
        c->at[fd].is_heard = true;
}

bool connections_own(struct connections *c, int fd, unsigned *count, unsigned max)
{
    struct connection *p = fd >= 0 && (size_t)fd < c->room ? &c->at[fd] : NULL;
    if (!p || !p->is_open || p->owner == count)
        return true; /* one that is not watched is not counted */
    if (p->is_refused || *count >= max) {
        p->is_refused = true;
        return false;
    }
    disown(p); /* its key speaks for another tenant now */
    p->owner = count;
    ++*count;
    return true;
}

static bool bytes_received(int fd, uint64_t *ret)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
        return false; /* it is gone, and its end not told yet */
    *ret = info.tcpi_bytes_received;
    return true;
}

static void set_unheard(struct connections *c, struct connection *p, uint64_t bytes)
{
    c->unheard += bytes - p->unheard;
    p->unheard = bytes;
}

/* Whether it was shut down. */
static bool look(struct connections *c, struct connection *p, int fd)
{
    uint64_t received = 0;
    if (p->is_open && p->is_refused)
        return shutdown(fd, SHUT_RDWR) == 0;
    if (!p->is_open || !p->is_tcp || !bytes_received(fd, &received))
        return false;
    if (p->is_heard || received < p->received) {
        p->is_heard = false;
        p->received = received;
    }
    set_unheard(c, p, received - p->received);
    if (p->unheard <= (c->unheard > c->unheard_limit ? CONNECTION_FEW : c->limit))
        return false;
    p->received = received; /* libzmq's thread finds the end, and says so */
    set_unheard(c, p, 0);
    return shutdown(fd, SHUT_RDWR) == 0;
}

unsigned connections_sweep(struct connections *c)
{
    unsigned n_shut = 0;
    size_t n = c->n_open == 0 ? 0 : c->room < CONNECTIONS_A_SWEEP ? c->room : CONNECTIONS_A_SWEEP;
    for (; n > 0; n--, c->next++) {
        if (c->next >= c->room)
            c->next = 0;
        n_shut += look(c, &c->at[c->next], (int)c->next);
    }
    return n_shut;
}
