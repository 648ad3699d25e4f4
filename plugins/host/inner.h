/* The inner process: goes into the sandbox, loads the plugin and does what the outer process calls for. It
 * knows nothing of sources, sessions or secrets, and exits when the channel closes. */
#ifndef TENDON_HOST_INNER_H
#define TENDON_HOST_INNER_H

#define INNER_CHANNEL_FD 3
#define INNER_IMAGE_FD   4 /* the plugin (image.h), until it is loaded */

/* The whole life of the process. Returns its exit status. */
int inner_run(int channel);

#endif
