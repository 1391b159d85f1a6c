/* <netdb.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_NETDB_H
#define VMGEN_SHIM_NETDB_H

#include <netinet/in.h>
struct hostent {
    char *h_name;
    char **h_aliases;
    int h_addrtype;
    int h_length;
    char **h_addr_list;
};
#define h_addr h_addr_list[0]
struct hostent *gethostbyname(const char *);
struct addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
    struct addrinfo *ai_next;
};
#define AI_PASSIVE 1
#define AI_NUMERICHOST 4
#define AI_V4MAPPED 8
#define AI_ADDRCONFIG 0x20
#define AI_NUMERICSERV 0x400
#define NI_MAXHOST 1025
#define NI_MAXSERV 32
#define NI_NUMERICHOST 1
#define NI_NUMERICSERV 2

#endif
