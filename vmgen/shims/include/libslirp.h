/* libslirp: its state is behind a pointer, and saved by the library itself. */
#ifndef VMGEN_SHIM_LIBSLIRP_H
#define VMGEN_SHIM_LIBSLIRP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#define SLIRP_MAJOR_VERSION 4
#define SLIRP_MINOR_VERSION 9
#define SLIRP_MICRO_VERSION 0
#define SLIRP_CHECK_VERSION(major, minor, micro)                   \
    (SLIRP_MAJOR_VERSION > (major) ||                              \
     (SLIRP_MAJOR_VERSION == (major) &&                            \
      (SLIRP_MINOR_VERSION > (minor) ||                            \
       (SLIRP_MINOR_VERSION == (minor) &&                          \
        SLIRP_MICRO_VERSION >= (micro)))))
typedef struct Slirp Slirp;
typedef struct SlirpCb SlirpCb;
typedef struct SlirpConfig SlirpConfig;
typedef ssize_t slirp_ssize_t;
typedef int slirp_os_socket;
typedef enum {
    SLIRP_TIMER_RA,
    SLIRP_TIMER_NUM
} SlirpTimerId;
typedef void (*SlirpTimerCb)(void *opaque);
int slirp_state_version(void);

#endif
