/* <sys/vfs.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_VFS_H
#define VMGEN_SHIM_SYS_VFS_H

#include <sys/statfs.h>

#endif
