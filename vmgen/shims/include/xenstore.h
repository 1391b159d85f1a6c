/* Xen's store: a handle. */
#ifndef VMGEN_SHIM_XENSTORE_H
#define VMGEN_SHIM_XENSTORE_H

#include <stdint.h>

typedef uint32_t xs_transaction_t;
struct xs_handle;

#endif
