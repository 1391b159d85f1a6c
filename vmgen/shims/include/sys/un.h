/* <sys/un.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_UN_H
#define VMGEN_SHIM_SYS_UN_H

#include <sys/socket.h>
struct sockaddr_un {
    sa_family_t sun_family;
    char sun_path[108];
};

#endif
