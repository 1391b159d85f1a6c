/* <linux/posix_types.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LINUX_POSIX_TYPES_H
#define VMGEN_SHIM_LINUX_POSIX_TYPES_H

#include <linux/types.h>

#endif
