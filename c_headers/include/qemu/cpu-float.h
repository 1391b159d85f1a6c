/*
 * Floating-point registers as the emulation holds them, and as integers.
 */
#ifndef QEMU_CPU_FLOAT_H
#define QEMU_CPU_FLOAT_H

#include "qemu/types.h"

typedef uint16_t float16;
typedef uint32_t float32;
typedef uint64_t float64;

/* x87: 64 bits of significand, then sign and exponent. */
typedef struct {
    uint64_t low;
    uint16_t high;
} floatx80;

typedef struct {
    uint64_t low;
    uint64_t high;
} float128;

/* The same bits read as a float or as integers, on a little-endian host. */
typedef union {
    float32 f;
    uint32_t l;
} CPU_FloatU;

typedef union {
    float64 d;
    struct {
        uint32_t lower;
        uint32_t upper;
    } l;
    uint64_t ll;
} CPU_DoubleU;

typedef union {
    floatx80 d;
    struct {
        uint64_t lower;
        uint16_t upper;
    } l;
} CPU_LDoubleU;

typedef union {
    float128 q;
    struct {
        uint32_t lowest;
        uint32_t lower;
        uint32_t upper;
        uint32_t upmost;
    } l;
    struct {
        uint64_t lower;
        uint64_t upper;
    } ll;
} CPU_QuadU;

#endif
