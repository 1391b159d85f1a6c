/* <sys/uio.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_UIO_H
#define VMGEN_SHIM_SYS_UIO_H

#include <sys/types.h>
struct iovec {
    void *iov_base;
    size_t iov_len;
};
#define UIO_MAXIOV 1024

#endif
