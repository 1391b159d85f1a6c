/* <arpa/inet.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ARPA_INET_H
#define VMGEN_SHIM_ARPA_INET_H

#include <netinet/in.h>

#endif
