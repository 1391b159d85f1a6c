/* <sys/statfs.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_STATFS_H
#define VMGEN_SHIM_SYS_STATFS_H

#include <sys/types.h>
typedef struct {
    int __val[2];
} fsid_t;
struct statfs {
    long int f_type;
    long int f_bsize;
    unsigned long int f_blocks;
    unsigned long int f_bfree;
    unsigned long int f_bavail;
    unsigned long int f_files;
    unsigned long int f_ffree;
    fsid_t f_fsid;
    long int f_namelen;
    long int f_frsize;
    long int f_flags;
    long int f_spare[4];
};

#endif
