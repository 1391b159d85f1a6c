/*
 * What the get and put of a custom VMStateInfo read and write a stream with.  Integers are
 * big-endian; the names that end in s take the address of the variable.
 */
#ifndef MIGRATION_QEMU_FILE_TYPES_H
#define MIGRATION_QEMU_FILE_TYPES_H

#include "migration/vmstate.h"

int qemu_get_byte(QEMUFile *f);
unsigned int qemu_get_ubyte(QEMUFile *f);
unsigned int qemu_get_be16(QEMUFile *f);
unsigned int qemu_get_be32(QEMUFile *f);
uint64_t qemu_get_be64(QEMUFile *f);
int qemu_get_sbe16(QEMUFile *f);
int qemu_get_sbe32(QEMUFile *f);
int64_t qemu_get_sbe64(QEMUFile *f);
size_t qemu_get_buffer(QEMUFile *f, uint8_t *buf, size_t size);
size_t qemu_get_counted_string(QEMUFile *f, char buf[256]);

void qemu_get_8s(QEMUFile *f, uint8_t *pv);
void qemu_get_be16s(QEMUFile *f, uint16_t *pv);
void qemu_get_be32s(QEMUFile *f, uint32_t *pv);
void qemu_get_be64s(QEMUFile *f, uint64_t *pv);
void qemu_get_s8s(QEMUFile *f, int8_t *pv);
void qemu_get_sbe16s(QEMUFile *f, int16_t *pv);
void qemu_get_sbe32s(QEMUFile *f, int32_t *pv);
void qemu_get_sbe64s(QEMUFile *f, int64_t *pv);

void qemu_put_byte(QEMUFile *f, int v);
void qemu_put_be16(QEMUFile *f, unsigned int v);
void qemu_put_be32(QEMUFile *f, unsigned int v);
void qemu_put_be64(QEMUFile *f, uint64_t v);
void qemu_put_sbe16(QEMUFile *f, int v);
void qemu_put_sbe32(QEMUFile *f, int v);
void qemu_put_sbe64(QEMUFile *f, int64_t v);
void qemu_put_buffer(QEMUFile *f, const uint8_t *buf, size_t size);
void qemu_put_counted_string(QEMUFile *f, const char *name);

void qemu_put_8s(QEMUFile *f, const uint8_t *pv);
void qemu_put_be16s(QEMUFile *f, const uint16_t *pv);
void qemu_put_be32s(QEMUFile *f, const uint32_t *pv);
void qemu_put_be64s(QEMUFile *f, const uint64_t *pv);
void qemu_put_s8s(QEMUFile *f, const int8_t *pv);
void qemu_put_sbe16s(QEMUFile *f, const int16_t *pv);
void qemu_put_sbe32s(QEMUFile *f, const int32_t *pv);
void qemu_put_sbe64s(QEMUFile *f, const int64_t *pv);

#define qemu_get_sbyte qemu_get_byte
#define qemu_put_sbyte qemu_put_byte

#endif
