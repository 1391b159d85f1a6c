/* <netinet/tcp.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_NETINET_TCP_H
#define VMGEN_SHIM_NETINET_TCP_H

#define TCP_NODELAY 1
#define TCP_CORK 3
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6

#endif
