/* libfdt: device trees are plain memory. */
#ifndef VMGEN_SHIM_LIBFDT_H
#define VMGEN_SHIM_LIBFDT_H

#include <stddef.h>
#include <stdint.h>
typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;
struct fdt_header;
struct fdt_property {
    fdt32_t tag;
    fdt32_t len;
    fdt32_t nameoff;
    char data[];
};
struct fdt_reserve_entry {
    fdt64_t address;
    fdt64_t size;
};
#define FDT_MAGIC 0xd00dfeed
#define FDT_TAGSIZE sizeof(fdt32_t)
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE 2
#define FDT_PROP 3
#define FDT_NOP 4
#define FDT_END 9
#define FDT_ERR_NOTFOUND 1
#define FDT_ERR_EXISTS 2
#define FDT_ERR_NOSPACE 3
#define FDT_ERR_BADOFFSET 4
#define FDT_ERR_BADPATH 5
#define FDT_MAX_NCELLS 4
#define fdt16_to_cpu(value) __builtin_bswap16(value)
#define fdt32_to_cpu(value) __builtin_bswap32(value)
#define fdt64_to_cpu(value) __builtin_bswap64(value)
#define cpu_to_fdt16(value) __builtin_bswap16(value)
#define cpu_to_fdt32(value) __builtin_bswap32(value)
#define cpu_to_fdt64(value) __builtin_bswap64(value)
const void *fdt_getprop(const void *, int, const char *, int *);
const void *fdt_getprop_namelen(const void *, int, const char *, int, int *);
const struct fdt_property *fdt_get_property_by_offset(const void *, int, int *);
const char *fdt_get_name(const void *, int, int *);
const char *fdt_strerror(int);
const char *fdt_string(const void *, int);
#define fdt_for_each_subnode(node, fdt, parent) \
    for (node = fdt_first_subnode(fdt, parent); node >= 0; node = fdt_next_subnode(fdt, node))

#endif
