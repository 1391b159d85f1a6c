/* <sys/xattr.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_XATTR_H
#define VMGEN_SHIM_SYS_XATTR_H

#define XATTR_CREATE 1
#define XATTR_REPLACE 2

#endif
