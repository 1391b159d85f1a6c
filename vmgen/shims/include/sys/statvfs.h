/* <sys/statvfs.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_STATVFS_H
#define VMGEN_SHIM_SYS_STATVFS_H

#include <sys/types.h>
struct statvfs {
    unsigned long int f_bsize;
    unsigned long int f_frsize;
    unsigned long int f_blocks;
    unsigned long int f_bfree;
    unsigned long int f_bavail;
    unsigned long int f_files;
    unsigned long int f_ffree;
    unsigned long int f_favail;
    unsigned long int f_fsid;
    unsigned long int f_flag;
    unsigned long int f_namemax;
    int __f_spare[6];
};

#endif
