/*
 * Bit fields of registers, by the name of the register and the name of the field.
 *
 * FIELD(SVCR, ZA, 1, 1) says that field ZA of register SVCR is one bit wide and starts at
 * bit 1; FIELD_EX64(value, SVCR, ZA) takes it out of a value.
 */
#ifndef REGISTERFIELDS_H
#define REGISTERFIELDS_H

#include "qemu/types.h"

#define FIELD(_register, _field, _shift, _length)                                 \
    enum { R_##_register##_##_field##_SHIFT = (_shift) };                         \
    enum { R_##_register##_##_field##_LENGTH = (_length) };                       \
    enum { R_##_register##_##_field##_MASK = MAKE_64BIT_MASK(_shift, _length) };

#define FIELD_EX32(_value, _register, _field)                   \
    extract32((_value), R_##_register##_##_field##_SHIFT,       \
              R_##_register##_##_field##_LENGTH)

#define FIELD_EX64(_value, _register, _field)                   \
    extract64((_value), R_##_register##_##_field##_SHIFT,       \
              R_##_register##_##_field##_LENGTH)

/* length bits of value, the lowest of them bit start. */
static inline uint32_t extract32(uint32_t value, int start, int length)
{
    return (value >> start) & (~0U >> (32 - length));
}

static inline uint64_t extract64(uint64_t value, int start, int length)
{
    return (value >> start) & (~0ULL >> (64 - length));
}

#endif
