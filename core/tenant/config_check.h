/* What the tables cannot say: how the values of a configuration fit together. */
#ifndef TENDON_TENANT_CONFIG_CHECK_H
#define TENDON_TENANT_CONFIG_CHECK_H

#include "core/tenant/config.h"

/* Tells what is wrong and fills what follows from other values (type_bits). Values that the tables already
 * refused are NULL here and passed over. */
/* Whether s is a code as an event may carry it. */
bool config_code_valid(const char *s);

void config_check(struct config *c, struct config_problems *p);

#endif
