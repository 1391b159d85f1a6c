/* <poll.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_POLL_H
#define VMGEN_SHIM_POLL_H

typedef unsigned long int nfds_t;
struct pollfd {
    int fd;
    short int events;
    short int revents;
};
#define POLLIN 1
#define POLLPRI 2
#define POLLOUT 4
#define POLLERR 8
#define POLLHUP 16
#define POLLNVAL 32

#endif
