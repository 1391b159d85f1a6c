/* <pwd.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_PWD_H
#define VMGEN_SHIM_PWD_H

#include <sys/types.h>
struct passwd {
    char *pw_name;
    char *pw_passwd;
    uid_t pw_uid;
    gid_t pw_gid;
    char *pw_gecos;
    char *pw_dir;
    char *pw_shell;
};

#endif
