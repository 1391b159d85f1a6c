/* <linux/limits.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LINUX_LIMITS_H
#define VMGEN_SHIM_LINUX_LIMITS_H

#include <limits.h>

#endif
