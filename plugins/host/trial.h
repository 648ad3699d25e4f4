/* `tendon-plugin-host --try`: runs a plugin once, without a collector, and prints what it gives.
 *
 * Standard input holds one JSON object: {options: {…}, folder: where relative paths in the options begin,
 * record: FILE, replay: FILE, cursor: base64, for_ms: int}, all but options optional. Standard output gets an
 * event a line as JSON, until the plugin says that there is nothing now (for_ms: for so long at least), or
 * that it is done; standard error what it says, what a collector would reject, and in the end the sum and the
 * cursor. */
#ifndef TENDON_HOST_TRIAL_H
#define TENDON_HOST_TRIAL_H

#include "core/base/error.h"

/* The whole of it. -EINVAL and such with err; events may have been printed before. */
int trial_run(const char *plugin, struct error *err);

#endif
