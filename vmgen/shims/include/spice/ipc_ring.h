/* A ring that the guest and the host share. */
#ifndef VMGEN_SHIM_SPICE_IPC_RING_H
#define VMGEN_SHIM_SPICE_IPC_RING_H

#include <stdint.h>
#define SPICE_RING_DECLARE(name, element, size)                           \
    typedef struct __attribute__((packed)) name {                         \
        uint32_t num_items;                                               \
        uint32_t prod;                                                    \
        uint32_t notify_on_prod;                                          \
        uint32_t cons;                                                    \
        uint32_t notify_on_cons;                                          \
        element items[size];                                              \
    } name;

#endif
