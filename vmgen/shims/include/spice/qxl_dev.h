/* The QXL device as its guest sees it: everything is packed. */
#ifndef VMGEN_SHIM_SPICE_QXL_DEV_H
#define VMGEN_SHIM_SPICE_QXL_DEV_H

#include <stdint.h>
#include <spice/ipc_ring.h>

#pragma pack(push, 1)

enum {
    QXL_REVISION_STABLE_V04 = 1,
    QXL_REVISION_STABLE_V06 = 2,
    QXL_REVISION_STABLE_V10 = 3,
    QXL_REVISION_STABLE_V12 = 4
};

typedef uint64_t QXLPHYSICAL;
typedef int32_t QXLFIXED;

typedef struct QXLPoint {
    int32_t x;
    int32_t y;
} QXLPoint;

typedef struct QXLPoint16 {
    int16_t x;
    int16_t y;
} QXLPoint16;

typedef struct QXLRect {
    int32_t top;
    int32_t left;
    int32_t bottom;
    int32_t right;
} QXLRect;

typedef struct QXLURect {
    uint32_t top;
    uint32_t left;
    uint32_t bottom;
    uint32_t right;
} QXLURect;

typedef struct QXLMode {
    uint32_t id;
    uint32_t x_res;
    uint32_t y_res;
    uint32_t bits;
    uint32_t stride;
    uint32_t x_mili;
    uint32_t y_mili;
    uint32_t orientation;
} QXLMode;

typedef struct QXLModes {
    uint32_t n_modes;
    QXLMode modes[0];
} QXLModes;

typedef struct QXLRom {
    uint32_t magic;
    uint32_t id;
    uint32_t update_id;
    uint32_t compression_level;
    uint32_t log_level;
    uint32_t mode;
    uint32_t modes_offset;
    uint32_t num_pages;
    uint32_t pages_offset;
    uint32_t draw_area_offset;
    uint32_t surface0_area_size;
    uint32_t ram_header_offset;
    uint32_t mm_clock;
    uint32_t n_surfaces;
    uint64_t flags;
    uint8_t slots_start;
    uint8_t slots_end;
    uint8_t slot_gen_bits;
    uint8_t slot_id_bits;
    uint8_t slot_generation;
    uint8_t client_present;
    uint8_t client_capabilities[58];
    uint32_t client_monitors_config_crc;
    struct {
        uint16_t count;
        uint16_t padding;
        QXLURect heads[64];
    } client_monitors_config;
} QXLRom;

typedef struct QXLCommand {
    QXLPHYSICAL data;
    uint32_t type;
    uint32_t padding;
} QXLCommand;

typedef struct QXLMemSlot {
    uint64_t mem_start;
    uint64_t mem_end;
} QXLMemSlot;

typedef struct QXLSurfaceCreate {
    uint32_t width;
    uint32_t height;
    int32_t stride;
    uint32_t format;
    uint32_t position;
    uint32_t mouse_mode;
    uint32_t flags;
    uint32_t type;
    QXLPHYSICAL mem;
} QXLSurfaceCreate;

typedef union QXLReleaseInfo {
    uint64_t id;
    uint64_t next;
} QXLReleaseInfo;

SPICE_RING_DECLARE(QXLCommandRing, QXLCommand, 32)
SPICE_RING_DECLARE(QXLCursorRing, QXLCommand, 32)
SPICE_RING_DECLARE(QXLReleaseRing, uint64_t, 8)

typedef struct QXLRam {
    uint32_t magic;
    uint32_t int_pending;
    uint32_t int_mask;
    uint8_t log_buf[4096];
    QXLCommandRing cmd_ring;
    QXLCursorRing cursor_ring;
    QXLReleaseRing release_ring;
    QXLRect update_area;
    uint32_t update_surface;
    QXLMemSlot mem_slot;
    QXLSurfaceCreate create_surface;
    uint64_t flags;
    QXLPHYSICAL monitors_config;
    uint8_t capabilities[64];
} QXLRam;

typedef struct QXLDataChunk {
    uint32_t data_size;
    QXLPHYSICAL prev_chunk;
    QXLPHYSICAL next_chunk;
    uint8_t data[0];
} QXLDataChunk;

typedef struct QXLCursorHeader {
    uint64_t unique;
    uint16_t type;
    uint16_t width;
    uint16_t height;
    uint16_t hot_spot_x;
    uint16_t hot_spot_y;
} QXLCursorHeader;

typedef struct QXLCursor {
    QXLCursorHeader header;
    uint32_t data_size;
    QXLDataChunk chunk;
} QXLCursor;

typedef struct QXLCursorCmd QXLCursorCmd;
typedef struct QXLDrawable QXLDrawable;
typedef struct QXLImage QXLImage;
typedef struct QXLSurfaceCmd QXLSurfaceCmd;
typedef struct QXLMonitorsConfig QXLMonitorsConfig;

#pragma pack(pop)

#endif
