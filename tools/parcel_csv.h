/* The events of parcels as CSV: one a line, every field a column. */
#ifndef TENDON_TOOLS_PARCEL_CSV_H
#define TENDON_TOOLS_PARCEL_CSV_H

#include "core/base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* declared: names of the tenant's own dimensions, which get columns of their own. -EIO file. */
int parcel_csv_header(FILE *out, const json_t *declared, struct error *err);
/* -EBADMSG malformed. */
int parcel_csv_write(FILE *out, const json_t *declared, const void *bytes, size_t size, struct error *err);

#endif
