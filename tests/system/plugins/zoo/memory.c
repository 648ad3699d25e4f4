/* Takes ten gigabytes at once, then all that it gets piece by piece. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    const size_t all = 10ull << 30, piece = 1 << 20;
    volatile char *room = malloc(all);
    for (size_t i = 0; room && i < all; i += 4096)
        room[i] = 1;
    ZOO_TRY(z, "ten gigabytes", room ? 0 : -1);
    size_t n = 0;
    while (n < 1024 && (room = malloc(piece))) {
        memset((void *)room, 1, piece);
        n++;
    }
    ZOO_TRY(z, "a gigabyte in pieces", n == 1024 ? 0 : -1);
}

ZOO(.once = harm)
