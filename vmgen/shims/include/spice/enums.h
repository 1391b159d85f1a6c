/* Numbers of the spice protocol; no description is sized by one. */
#ifndef VMGEN_SHIM_SPICE_ENUMS_H
#define VMGEN_SHIM_SPICE_ENUMS_H

typedef enum SpiceImageType {
    SPICE_IMAGE_TYPE_BITMAP,
} SpiceImageType;
typedef enum SpiceCursorType {
    SPICE_CURSOR_TYPE_ALPHA,
    SPICE_CURSOR_TYPE_MONO,
} SpiceCursorType;
typedef enum SpiceSurfaceFmt {
    SPICE_SURFACE_FMT_16_555 = 16,
    SPICE_SURFACE_FMT_32_xRGB = 32,
    SPICE_SURFACE_FMT_16_565 = 80,
    SPICE_SURFACE_FMT_32_ARGB = 96,
} SpiceSurfaceFmt;

#endif
