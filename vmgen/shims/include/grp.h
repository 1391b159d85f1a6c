/* <grp.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_GRP_H
#define VMGEN_SHIM_GRP_H

#include <sys/types.h>
struct group {
    char *gr_name;
    char *gr_passwd;
    gid_t gr_gid;
    char **gr_mem;
};

#endif
