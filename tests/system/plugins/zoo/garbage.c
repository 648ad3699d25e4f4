/* Writes noise to its channel. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    unsigned char noise[4096];
    (void)z;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (unsigned char)(i * 31 + 7);
    ssize_t n = write(3, noise, sizeof(noise));
    (void)n;
}

ZOO(.once = harm)
