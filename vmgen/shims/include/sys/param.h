/* <sys/param.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_PARAM_H
#define VMGEN_SHIM_SYS_PARAM_H

#include <limits.h>
#include <endian.h>
#define MAXPATHLEN PATH_MAX

#endif
