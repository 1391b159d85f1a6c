/* The spice server's interface: what is embedded by value, the rest is behind pointers. */
#ifndef VMGEN_SHIM_SPICE_H
#define VMGEN_SHIM_SPICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <spice/enums.h>
#include <spice/qxl_dev.h>
#include <spice/vd_agent.h>

#define SPICE_SERVER_VERSION 0x000f01

typedef struct SpiceServer SpiceServer;
typedef struct SpiceTimer SpiceTimer;
typedef struct SpiceWatch SpiceWatch;
typedef struct SpiceCoreInterface SpiceCoreInterface;
typedef struct SpiceChannelEventInfo SpiceChannelEventInfo;
typedef struct QXLWorker QXLWorker;
typedef struct QXLState QXLState;
typedef struct QXLInterface QXLInterface;
typedef struct QXLDevInitInfo QXLDevInitInfo;
typedef struct SpiceBaseInterface SpiceBaseInterface;

typedef struct SpiceBaseInstance {
    const SpiceBaseInterface *sif;
} SpiceBaseInstance;

#define VMGEN_SPICE_INSTANCE(name)                                        \
    typedef struct name##State name##State;                               \
    typedef struct name##Instance {                                       \
        SpiceBaseInstance base;                                           \
        name##State *st;                                                  \
    } name##Instance;
VMGEN_SPICE_INSTANCE(SpiceKbd)
VMGEN_SPICE_INSTANCE(SpiceMouse)
VMGEN_SPICE_INSTANCE(SpiceTablet)
VMGEN_SPICE_INSTANCE(SpicePlayback)
VMGEN_SPICE_INSTANCE(SpiceRecord)
VMGEN_SPICE_INSTANCE(SpiceMigrate)

typedef struct SpiceCharDeviceState SpiceCharDeviceState;
typedef struct SpiceCharDeviceInstance {
    SpiceBaseInstance base;
    const char *subtype;
    SpiceCharDeviceState *st;
    const char *portname;
} SpiceCharDeviceInstance;

typedef struct QXLInstance {
    SpiceBaseInstance base;
    int id;
    QXLState *st;
} QXLInstance;

typedef struct QXLCommandExt {
    QXLCommand cmd;
    uint32_t group_id;
    uint32_t flags;
} QXLCommandExt;

typedef struct QXLReleaseInfoExt {
    QXLReleaseInfo *info;
    uint32_t group_id;
} QXLReleaseInfoExt;

typedef struct QXLDevMemSlot {
    uint32_t slot_group_id;
    uint32_t slot_id;
    uint32_t generation;
    uintptr_t virt_start;
    uintptr_t virt_end;
    uint64_t addr_delta;
    uint32_t qxl_ram_size;
} QXLDevMemSlot;

typedef struct QXLDevSurfaceCreate {
    uint32_t width;
    uint32_t height;
    int32_t stride;
    uint32_t format;
    uint32_t position;
    uint32_t mouse_mode;
    uint32_t flags;
    uint32_t type;
    uint64_t mem;
    uint32_t group_id;
} QXLDevSurfaceCreate;

#endif
