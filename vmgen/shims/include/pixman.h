/* pixman: images are behind a pointer; regions, boxes and colours are values. */
#ifndef VMGEN_SHIM_PIXMAN_H
#define VMGEN_SHIM_PIXMAN_H

#include <stdint.h>
typedef int pixman_bool_t;
typedef int32_t pixman_fixed_t;
typedef union pixman_image pixman_image_t;
typedef struct pixman_color {
    uint16_t red;
    uint16_t green;
    uint16_t blue;
    uint16_t alpha;
} pixman_color_t;
typedef struct pixman_box16 {
    int16_t x1;
    int16_t y1;
    int16_t x2;
    int16_t y2;
} pixman_box16_t;
typedef struct pixman_region16_data {
    long size;
    long numRects;
} pixman_region16_data_t;
typedef struct pixman_region16 {
    pixman_box16_t extents;
    pixman_region16_data_t *data;
} pixman_region16_t;
typedef struct pixman_rectangle16 {
    int16_t x;
    int16_t y;
    uint16_t width;
    uint16_t height;
} pixman_rectangle16_t;
typedef struct pixman_transform {
    pixman_fixed_t matrix[3][3];
} pixman_transform_t;
typedef struct pixman_indexed pixman_indexed_t;
typedef void (*pixman_image_destroy_func_t)(pixman_image_t *image, void *data);

#define PIXMAN_TYPE_OTHER 0
#define PIXMAN_TYPE_A 1
#define PIXMAN_TYPE_ARGB 2
#define PIXMAN_TYPE_ABGR 3
#define PIXMAN_TYPE_YUY2 6
#define PIXMAN_TYPE_YV12 7
#define PIXMAN_TYPE_BGRA 8
#define PIXMAN_TYPE_RGBA 9
#define PIXMAN_FORMAT(bpp, type, a, r, g, b) \
    (((bpp) << 24) | ((type) << 16) | ((a) << 12) | ((r) << 8) | ((g) << 4) | (b))
#define PIXMAN_FORMAT_BPP(format) (((uint32_t)(format)) >> 24)
#define PIXMAN_FORMAT_TYPE(format) (((format) >> 16) & 0x3f)
#define PIXMAN_FORMAT_A(format) (((format) >> 12) & 0x0f)
#define PIXMAN_FORMAT_R(format) (((format) >> 8) & 0x0f)
#define PIXMAN_FORMAT_G(format) (((format) >> 4) & 0x0f)
#define PIXMAN_FORMAT_B(format) ((format) & 0x0f)
#define PIXMAN_FORMAT_DEPTH(format) \
    (PIXMAN_FORMAT_A(format) + PIXMAN_FORMAT_R(format) + PIXMAN_FORMAT_G(format) + \
     PIXMAN_FORMAT_B(format))
typedef enum {
    PIXMAN_a8r8g8b8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ARGB, 8, 8, 8, 8),
    PIXMAN_x8r8g8b8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ARGB, 0, 8, 8, 8),
    PIXMAN_a8b8g8r8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ABGR, 8, 8, 8, 8),
    PIXMAN_x8b8g8r8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ABGR, 0, 8, 8, 8),
    PIXMAN_b8g8r8a8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_BGRA, 8, 8, 8, 8),
    PIXMAN_b8g8r8x8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_BGRA, 0, 8, 8, 8),
    PIXMAN_r8g8b8a8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_RGBA, 8, 8, 8, 8),
    PIXMAN_r8g8b8x8 = PIXMAN_FORMAT(32, PIXMAN_TYPE_RGBA, 0, 8, 8, 8),
    PIXMAN_x2r10g10b10 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ARGB, 0, 10, 10, 10),
    PIXMAN_a2r10g10b10 = PIXMAN_FORMAT(32, PIXMAN_TYPE_ARGB, 2, 10, 10, 10),
    PIXMAN_r8g8b8 = PIXMAN_FORMAT(24, PIXMAN_TYPE_ARGB, 0, 8, 8, 8),
    PIXMAN_b8g8r8 = PIXMAN_FORMAT(24, PIXMAN_TYPE_ABGR, 0, 8, 8, 8),
    PIXMAN_r5g6b5 = PIXMAN_FORMAT(16, PIXMAN_TYPE_ARGB, 0, 5, 6, 5),
    PIXMAN_a1r5g5b5 = PIXMAN_FORMAT(16, PIXMAN_TYPE_ARGB, 1, 5, 5, 5),
    PIXMAN_x1r5g5b5 = PIXMAN_FORMAT(16, PIXMAN_TYPE_ARGB, 0, 5, 5, 5),
    PIXMAN_a8 = PIXMAN_FORMAT(8, PIXMAN_TYPE_A, 8, 0, 0, 0),
    PIXMAN_yuy2 = PIXMAN_FORMAT(16, PIXMAN_TYPE_YUY2, 0, 0, 0, 0),
    PIXMAN_yv12 = PIXMAN_FORMAT(12, PIXMAN_TYPE_YV12, 0, 0, 0, 0)
} pixman_format_code_t;
typedef enum {
    PIXMAN_OP_CLEAR,
    PIXMAN_OP_SRC,
    PIXMAN_OP_DST,
    PIXMAN_OP_OVER
} pixman_op_t;
uint32_t *pixman_image_get_data(pixman_image_t *);
pixman_image_t *pixman_image_ref(pixman_image_t *);
pixman_image_t *pixman_image_create_bits(pixman_format_code_t, int, int, uint32_t *, int);
pixman_image_t *pixman_image_create_solid_fill(const pixman_color_t *);

#endif
