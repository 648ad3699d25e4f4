/* Waits for others to call, on the one socket that it has. */
#include "zoo.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static void harm(struct zoo *z)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "\0tendon-zoo"};
    struct sockaddr_in net = {.sin_family = AF_INET};
    ZOO_TRY(z, "a socket", socket(AF_INET, SOCK_STREAM, 0));
    ZOO_TRY(z, "to bind", bind(3, (struct sockaddr *)&local, sizeof(local)));
    ZOO_TRY(z, "to connect", connect(3, (struct sockaddr *)&net, sizeof(net)));
    ZOO_TRY(z, "to listen", listen(3, 1));
    ZOO_TRY(z, "to accept", accept(3, NULL, NULL));
}

ZOO(.once = harm)
