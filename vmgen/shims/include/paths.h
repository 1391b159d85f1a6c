/* <paths.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_PATHS_H
#define VMGEN_SHIM_PATHS_H

#define _PATH_DEV "/dev/"
#define _PATH_BSHELL "/bin/sh"

#endif
