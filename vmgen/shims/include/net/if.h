/* <net/if.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_NET_IF_H
#define VMGEN_SHIM_NET_IF_H

#include <sys/socket.h>
#define IFNAMSIZ 16
#define IF_NAMESIZE 16
#define IFF_UP 1
struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr ifr_addr;
        short int ifr_flags;
        int ifr_ifindex;
        int ifr_mtu;
        char ifr_newname[IFNAMSIZ];
        char *ifr_data;
        char __size[24];
    } __ifr;
};

#endif
