/*
 * The VMState vocabulary of QEMU 10.0: how a C table says what of a structure travels in a
 * migration stream or a snapshot, and in which form.
 *
 *     typedef struct {
 *         uint32_t count;
 *         uint8_t data[16];
 *     } MyDevice;
 *
 *     static const VMStateDescription vmstate_my_device = {
 *         .name = "my-device",
 *         .version_id = 1,
 *         .minimum_version_id = 1,
 *         .fields = (const VMStateField[]) {
 *             VMSTATE_UINT32(count, MyDevice),
 *             VMSTATE_UINT8_ARRAY(data, MyDevice, 16),
 *             VMSTATE_END_OF_LIST()
 *         }
 *     };
 *
 * Arguments have the same names everywhere:
 *
 *     _f  the member, as a C path from the structure (env.regs, banks[3]); its text is the
 *         field's name in a stream
 *     _s  the type of the structure
 *     _v  first version of the description that has the field
 *     _t  test: bool (*)(void *opaque, int version_id); where there is one, it alone says
 *         if the field is present, and _v does not count
 *     _n  number of elements of an array
 *     _fn member with the number of elements
 *     _fs member with the size
 *     _i  the VMStateInfo that reads and writes one element
 *     _d  the VMStateDescription of a nested structure
 *     _ty C type of one element
 */
#ifndef QEMU_VMSTATE_H
#define QEMU_VMSTATE_H

#include "qemu/cpu-float.h"
#include "qemu/queue.h"
#include "qemu/timer.h"
#include "qemu/types.h"

typedef struct QEMUFile QEMUFile;
typedef struct JSONWriter JSONWriter;
typedef struct VMStateInfo VMStateInfo;
typedef struct VMStateField VMStateField;
typedef struct VMStateDescription VMStateDescription;

/* ------------------------------------------------------------------------------------
 * The three structures
 * ------------------------------------------------------------------------------------ */

/* How one element becomes bytes: get reads it from a stream, put writes it. */
struct VMStateInfo {
    const char *name;
    int (*get)(QEMUFile *f, void *pv, size_t size, const VMStateField *field);
    int (*put)(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
               JSONWriter *vmdesc);
};

/* What kind of field it is.  Flags combine: a variable array behind a pointer is
 * VMS_VARRAY_UINT32 | VMS_POINTER. */
enum VMStateFlags {
    /* One element; says nothing more. */
    VMS_SINGLE = 1 << 0,
    /* The member is a pointer to where the data is. */
    VMS_POINTER = 1 << 1,
    /* num elements, one after the other. */
    VMS_ARRAY = 1 << 2,
    /* Each element is a structure with a description of its own (vmsd). */
    VMS_STRUCT = 1 << 3,
    /* As many elements as the int32_t at num_offset says. */
    VMS_VARRAY_INT32 = 1 << 4,
    /* A run of bytes; says nothing more. */
    VMS_BUFFER = 1 << 5,
    /* The elements of the array are pointers to the data. */
    VMS_ARRAY_OF_POINTER = 1 << 6,
    /* As many elements as the uint16_t at num_offset says. */
    VMS_VARRAY_UINT16 = 1 << 7,
    /* An element is as large as the int32_t at size_offset says. */
    VMS_VBUFFER = 1 << 8,
    /* With VMS_VBUFFER: times size. */
    VMS_MULTIPLY = 1 << 9,
    /* As many elements as the uint8_t at num_offset says. */
    VMS_VARRAY_UINT8 = 1 << 10,
    /* As many elements as the uint32_t at num_offset says. */
    VMS_VARRAY_UINT32 = 1 << 11,
    /* Loading fails when field_exists says no. */
    VMS_MUST_EXIST = 1 << 12,
    /* With VMS_POINTER: loading allocates the memory first. */
    VMS_ALLOC = 1 << 13,
    /* With one of VMS_VARRAY_*: times num. */
    VMS_MULTIPLY_ELEMENTS = 1 << 14,
    /* VMS_STRUCT at the fixed version struct_version_id. */
    VMS_VSTRUCT = 1 << 15,
    /* Behind the last field. */
    VMS_END = 1 << 16
};

/* Descriptions of a higher priority are saved, and so loaded, before the others. */
typedef enum {
    MIG_PRI_DEFAULT,
    MIG_PRI_IOMMU,
    MIG_PRI_PCI_BUS,
    MIG_PRI_VIRTIO_MEM,
    MIG_PRI_GICV3_ITS,
    MIG_PRI_GICV3,
    MIG_PRI_MAX,
} MigrationPriority;

struct VMStateField {
    const char *name;      /* its name in a stream */
    const char *err_hint;  /* said to the user when an *_EQUAL field differs */
    size_t offset;         /* of the member in the structure */
    size_t size;           /* of one element, in bytes */
    size_t start;          /* lists: of the entry in an element; trees: size of the key */
    int num;               /* number of elements, or a factor to it */
    size_t num_offset;     /* of the member that holds the number of elements */
    size_t size_offset;    /* of the member that holds the size */
    const VMStateInfo *info;
    enum VMStateFlags flags;
    const VMStateDescription *vmsd;
    int version_id;
    int struct_version_id;
    bool (*field_exists)(void *opaque, int version_id);
};

struct VMStateDescription {
    const char *name;
    bool unmigratable;     /* saving is refused while this exists */
    bool early_setup;      /* sent at the start of migration, before any RAM */
    int version_id;        /* written by this release */
    int minimum_version_id; /* oldest that this release loads */
    MigrationPriority priority;
    int (*pre_load)(void *opaque);
    int (*post_load)(void *opaque, int version_id);
    int (*pre_save)(void *opaque);
    int (*post_save)(void *opaque);
    bool (*needed)(void *opaque); /* of a subsection: is it sent at all */
    bool (*dev_unplug_pending)(void *opaque);
    const VMStateField *fields;
    const VMStateDescription *const *subsections; /* up to a NULL */
};

/* ------------------------------------------------------------------------------------
 * Elements that QEMU knows.  All integers are big-endian on the wire.
 * ------------------------------------------------------------------------------------ */

extern const VMStateInfo vmstate_info_bool;
extern const VMStateInfo vmstate_info_int8;
extern const VMStateInfo vmstate_info_int16;
extern const VMStateInfo vmstate_info_int32;
extern const VMStateInfo vmstate_info_int64;
extern const VMStateInfo vmstate_info_uint8;
extern const VMStateInfo vmstate_info_uint16;
extern const VMStateInfo vmstate_info_uint32;
extern const VMStateInfo vmstate_info_uint64;

/* Loading fails unless the receiver already has this value. */
extern const VMStateInfo vmstate_info_uint8_equal;
extern const VMStateInfo vmstate_info_uint16_equal;
extern const VMStateInfo vmstate_info_int32_equal;
extern const VMStateInfo vmstate_info_uint32_equal;
extern const VMStateInfo vmstate_info_uint64_equal;
/* Loading fails unless it is between zero and the receiver's own value. */
extern const VMStateInfo vmstate_info_int32_le;

/* A file descriptor that travels beside the stream. */
extern const VMStateInfo vmstate_info_fd;
/* A float64: its upper 32 bits, then its lower ones. */
extern const VMStateInfo vmstate_info_cpudouble;
/* A QEMUTimer: 64 bits, when it fires; all ones for not at all. */
extern const VMStateInfo vmstate_info_timer;
/* Bytes; bytes that nobody reads any more; bits of an unsigned long array. */
extern const VMStateInfo vmstate_info_buffer;
extern const VMStateInfo vmstate_info_unused_buffer;
extern const VMStateInfo vmstate_info_bitmap;
/* The whole structure by way of a temporary one. */
extern const VMStateInfo vmstate_info_tmp;
/* Lists and trees. */
extern const VMStateInfo vmstate_info_qtailq;
extern const VMStateInfo vmstate_info_qlist;
extern const VMStateInfo vmstate_info_gtree;

/* One byte in place of an element that a NULL pointer has not got. */
#define VMS_NULLPTR_MARKER 0x30U
extern const VMStateInfo vmstate_info_nullptr;

/* ------------------------------------------------------------------------------------
 * Offsets that are valid C only if the member has the type the macro is for
 * ------------------------------------------------------------------------------------ */

#define type_check_array(_ty, _ty2, _n) ((_ty(*)[_n])0 - (_ty2 *)0)
#define type_check_2darray(_ty, _ty2, _n1, _n2) ((_ty(*)[_n1][_n2])0 - (_ty2 *)0)
#define type_check_pointer(_ty, _ty2) ((_ty **)0 - (_ty2 *)0)
#define typeof_elt_of_field(_s, _f) typeof(((_s *)0)->_f[0])
#define type_check_varray(_ty, _s, _f)                  \
    (type_check(_ty, typeof_elt_of_field(_s, _f)) +     \
     QEMU_BUILD_BUG_ON_ZERO(!QEMU_IS_ARRAY(((_s *)0)->_f)))

/* _ty */
#define vmstate_offset_value(_s, _f, _ty) \
    (offsetof(_s, _f) + type_check(_ty, typeof_field(_s, _f)))
/* _ty * */
#define vmstate_offset_pointer(_s, _f, _ty) \
    (offsetof(_s, _f) + type_check_pointer(_ty, typeof_field(_s, _f)))
/* _ty [_n] */
#define vmstate_offset_array(_s, _f, _ty, _n) \
    (offsetof(_s, _f) + type_check_array(_ty, typeof_field(_s, _f), _n))
/* _ty [_n1][_n2] */
#define vmstate_offset_2darray(_s, _f, _ty, _n1, _n2) \
    (offsetof(_s, _f) + type_check_2darray(_ty, typeof_field(_s, _f), _n1, _n2))
/* element _start of an array of _ty */
#define vmstate_offset_sub_array(_s, _f, _ty, _start) \
    vmstate_offset_value(_s, _f[_start], _ty)
/* uint8_t [], of any length */
#define vmstate_offset_buffer(_s, _f) \
    vmstate_offset_array(_s, _f, uint8_t, sizeof(typeof_field(_s, _f)))
/* _ty [], of any length, no pointer */
#define vmstate_offset_varray(_s, _f, _ty) \
    (offsetof(_s, _f) + type_check_varray(_ty, _s, _f))

/* ------------------------------------------------------------------------------------
 * Parts that the macros below are put together from
 * ------------------------------------------------------------------------------------ */

#define vmstate_part_name(_f, _v, _t) \
    .name = stringify(_f), .version_id = (_v), .field_exists = (_t)
#define vmstate_part_info(_i, _ty) .info = &(_i), .size = sizeof(_ty)
#define vmstate_part_vmsd(_d, _ty) .vmsd = &(_d), .size = sizeof(_ty)
#define vmstate_part_count(_s, _fn, _ty) .num_offset = vmstate_offset_value(_s, _fn, _ty)
#define vmstate_part_size(_s, _fs, _ty) .size_offset = vmstate_offset_value(_s, _fs, _ty)

/* ------------------------------------------------------------------------------------
 * One element
 * ------------------------------------------------------------------------------------ */

#define VMSTATE_SINGLE_FULL(_f, _s, _t, _v, _i, _ty, _err_hint) {   \
        vmstate_part_name(_f, _v, _t),                              \
        .err_hint = (_err_hint),                                    \
        vmstate_part_info(_i, _ty),                                 \
        .flags = VMS_SINGLE,                                        \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }
#define VMSTATE_SINGLE_TEST(_f, _s, _t, _v, _i, _ty) {              \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_info(_i, _ty),                                 \
        .flags = VMS_SINGLE,                                        \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }
#define VMSTATE_SINGLE(_f, _s, _v, _i, _ty) \
    VMSTATE_SINGLE_TEST(_f, _s, NULL, _v, _i, _ty)

/* No bytes: after loading, the test must hold. */
#define VMSTATE_VALIDATE(_name, _t) {                               \
        .name = (_name),                                            \
        .field_exists = (_t),                                       \
        .flags = VMS_ARRAY | VMS_MUST_EXIST,                        \
        .num = 0,                                                   \
    }

/* What a pointer member points to; _ty is the pointer type. */
#define VMSTATE_POINTER(_f, _s, _v, _i, _ty) {                      \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        .flags = VMS_SINGLE | VMS_POINTER,                          \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }
#define VMSTATE_POINTER_TEST(_f, _s, _t, _i, _ty) {                 \
        vmstate_part_name(_f, 0, _t),                               \
        vmstate_part_info(_i, _ty),                                 \
        .flags = VMS_SINGLE | VMS_POINTER,                          \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }

/* ------------------------------------------------------------------------------------
 * Arrays of a known length
 * ------------------------------------------------------------------------------------ */

#define VMSTATE_ARRAY(_f, _s, _n, _v, _i, _ty) {                    \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_ARRAY,                                         \
        .offset = vmstate_offset_array(_s, _f, _ty, _n),            \
    }
#define VMSTATE_2DARRAY(_f, _s, _n1, _n2, _v, _i, _ty) {            \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        .num = (_n1) * (_n2),                                       \
        .flags = VMS_ARRAY,                                         \
        .offset = vmstate_offset_2darray(_s, _f, _ty, _n1, _n2),    \
    }
/* _n elements from element _start on. */
#define VMSTATE_SUB_ARRAY(_f, _s, _start, _n, _v, _i, _ty) {        \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_ARRAY,                                         \
        .offset = vmstate_offset_sub_array(_s, _f, _ty, _start),    \
    }
/* The elements are pointers to the data; _ty is the pointer type. */
#define VMSTATE_ARRAY_OF_POINTER(_f, _s, _n, _v, _i, _ty) {         \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_ARRAY | VMS_ARRAY_OF_POINTER,                  \
        .offset = vmstate_offset_array(_s, _f, _ty, _n),            \
    }

/* ------------------------------------------------------------------------------------
 * Arrays whose length is in another member
 * ------------------------------------------------------------------------------------ */

/* The member is a pointer to the first element. */
#define VMSTATE_VARRAY_INT32(_f, _s, _fn, _v, _i, _ty) {            \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, int32_t),                       \
        .flags = VMS_VARRAY_INT32 | VMS_POINTER,                    \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_VARRAY_UINT32(_f, _s, _fn, _v, _i, _ty) {           \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .flags = VMS_VARRAY_UINT32 | VMS_POINTER,                   \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_VARRAY_UINT32_ALLOC(_f, _s, _fn, _v, _i, _ty) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .flags = VMS_VARRAY_UINT32 | VMS_POINTER | VMS_ALLOC,       \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_VARRAY_UINT16_ALLOC(_f, _s, _fn, _v, _i, _ty) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, uint16_t),                      \
        .flags = VMS_VARRAY_UINT16 | VMS_POINTER | VMS_ALLOC,       \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }

/* The member is an array that is long enough. */
#define VMSTATE_ARRAY_INT32_UNSAFE(_f, _s, _fn, _i, _ty) {          \
        vmstate_part_name(_f, 0, NULL),                             \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, int32_t),                       \
        .flags = VMS_VARRAY_INT32,                                  \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }
#define VMSTATE_VARRAY_UINT16_UNSAFE(_f, _s, _fn, _v, _i, _ty) {    \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, uint16_t),                      \
        .flags = VMS_VARRAY_UINT16,                                 \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }
/* As many as the member says, times _multiply. */
#define VMSTATE_VARRAY_MULTIPLY(_f, _s, _fn, _multiply, _i, _ty) {  \
        vmstate_part_name(_f, 0, NULL),                             \
        vmstate_part_info(_i, _ty),                                 \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .num = (_multiply),                                         \
        .flags = VMS_VARRAY_UINT32 | VMS_MULTIPLY_ELEMENTS,         \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }

/* ------------------------------------------------------------------------------------
 * Nested structures.  _v is about the field; the version of the nested description is not
 * on the wire, so a stream of an older release may be laid out differently.
 * ------------------------------------------------------------------------------------ */

#define VMSTATE_STRUCT_TEST(_f, _s, _t, _v, _d, _ty) {              \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_vmsd(_d, _ty),                                 \
        .flags = VMS_STRUCT,                                        \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }
#define VMSTATE_STRUCT(_f, _s, _v, _d, _ty) \
    VMSTATE_STRUCT_TEST(_f, _s, NULL, _v, _d, _ty)

/* At a fixed version of the nested description. */
#define VMSTATE_VSTRUCT_TEST(_f, _s, _t, _v, _d, _ty, _struct_version) { \
        vmstate_part_name(_f, _v, _t),                              \
        .struct_version_id = (_struct_version),                     \
        vmstate_part_vmsd(_d, _ty),                                 \
        .flags = VMS_VSTRUCT,                                       \
        .offset = vmstate_offset_value(_s, _f, _ty),                \
    }
#define VMSTATE_VSTRUCT_V(_f, _s, _v, _d, _ty, _struct_version) \
    VMSTATE_VSTRUCT_TEST(_f, _s, NULL, _v, _d, _ty, _struct_version)
#define VMSTATE_VSTRUCT(_f, _s, _d, _ty, _struct_version) \
    VMSTATE_VSTRUCT_TEST(_f, _s, NULL, 0, _d, _ty, _struct_version)

/* Behind a pointer to _ty. */
#define VMSTATE_STRUCT_POINTER_TEST_V(_f, _s, _t, _v, _d, _ty) {    \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_vmsd(_d, _ty *),                               \
        .flags = VMS_STRUCT | VMS_POINTER,                          \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_STRUCT_POINTER_TEST(_f, _s, _t, _d, _ty) \
    VMSTATE_STRUCT_POINTER_TEST_V(_f, _s, _t, 0, _d, _ty)
#define VMSTATE_STRUCT_POINTER_V(_f, _s, _v, _d, _ty) \
    VMSTATE_STRUCT_POINTER_TEST_V(_f, _s, NULL, _v, _d, _ty)
#define VMSTATE_STRUCT_POINTER(_f, _s, _d, _ty) \
    VMSTATE_STRUCT_POINTER_V(_f, _s, 0, _d, _ty)

/* Arrays of them. */
#define VMSTATE_STRUCT_ARRAY_TEST(_f, _s, _n, _t, _v, _d, _ty) {    \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_vmsd(_d, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_STRUCT | VMS_ARRAY,                            \
        .offset = vmstate_offset_array(_s, _f, _ty, _n),            \
    }
#define VMSTATE_STRUCT_ARRAY(_f, _s, _n, _v, _d, _ty) \
    VMSTATE_STRUCT_ARRAY_TEST(_f, _s, _n, NULL, _v, _d, _ty)
#define VMSTATE_STRUCT_2DARRAY_TEST(_f, _s, _n1, _n2, _t, _v, _d, _ty) { \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_vmsd(_d, _ty),                                 \
        .num = (_n1) * (_n2),                                       \
        .flags = VMS_STRUCT | VMS_ARRAY,                            \
        .offset = vmstate_offset_2darray(_s, _f, _ty, _n1, _n2),    \
    }
#define VMSTATE_STRUCT_2DARRAY(_f, _s, _n1, _n2, _v, _d, _ty) \
    VMSTATE_STRUCT_2DARRAY_TEST(_f, _s, _n1, _n2, NULL, _v, _d, _ty)
#define VMSTATE_STRUCT_SUB_ARRAY(_f, _s, _start, _n, _v, _d, _ty) { \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_STRUCT | VMS_ARRAY,                            \
        .offset = vmstate_offset_sub_array(_s, _f, _ty, _start),    \
    }
#define VMSTATE_ARRAY_OF_POINTER_TO_STRUCT(_f, _s, _n, _v, _d, _ty) { \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty *),                               \
        .num = (_n),                                                \
        .flags = VMS_ARRAY | VMS_STRUCT | VMS_ARRAY_OF_POINTER,     \
        .offset = vmstate_offset_array(_s, _f, _ty *, _n),          \
    }
/* The member points to the first of _n. */
#define VMSTATE_STRUCT_VARRAY_POINTER_KNOWN(_f, _s, _n, _v, _d, _ty) { \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        .num = (_n),                                                \
        .flags = VMS_STRUCT | VMS_ARRAY | VMS_POINTER,              \
        .offset = offsetof(_s, _f),                                 \
    }

/* Arrays of them whose length is in another member: in an array that is long enough ... */
#define VMSTATE_STRUCT_VARRAY_UINT8(_f, _s, _fn, _v, _d, _ty) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, uint8_t),                       \
        .flags = VMS_STRUCT | VMS_VARRAY_UINT8,                     \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }
#define VMSTATE_STRUCT_VARRAY_INT32(_f, _s, _fn, _v, _d, _ty) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, int32_t),                       \
        .flags = VMS_STRUCT | VMS_VARRAY_INT32,                     \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }
#define VMSTATE_STRUCT_VARRAY_UINT32(_f, _s, _fn, _v, _d, _ty) {    \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .flags = VMS_STRUCT | VMS_VARRAY_UINT32,                    \
        .offset = vmstate_offset_varray(_s, _f, _ty),               \
    }

/* ... or behind a pointer.  The one for a uint32_t reads it as if it were signed. */
#define VMSTATE_STRUCT_VARRAY_POINTER_INT32(_f, _s, _fn, _d, _ty) { \
        vmstate_part_name(_f, 0, NULL),                             \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, int32_t),                       \
        .flags = VMS_STRUCT | VMS_VARRAY_INT32 | VMS_POINTER,       \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_STRUCT_VARRAY_POINTER_UINT32(_f, _s, _fn, _d, _ty) { \
        vmstate_part_name(_f, 0, NULL),                             \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .flags = VMS_STRUCT | VMS_VARRAY_INT32 | VMS_POINTER,       \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_STRUCT_VARRAY_POINTER_UINT16(_f, _s, _fn, _d, _ty) { \
        vmstate_part_name(_f, 0, NULL),                             \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, uint16_t),                      \
        .flags = VMS_STRUCT | VMS_VARRAY_UINT16 | VMS_POINTER,      \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }
#define VMSTATE_STRUCT_VARRAY_ALLOC(_f, _s, _fn, _v, _d, _ty) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        vmstate_part_count(_s, _fn, int32_t),                       \
        .flags = VMS_STRUCT | VMS_VARRAY_INT32 | VMS_ALLOC | VMS_POINTER, \
        .offset = vmstate_offset_pointer(_s, _f, _ty),              \
    }

/* The description is of a _tmp_type, whose first member, parent, points to the _s; its
 * pre_save fills the temporary from the parent, its post_load the parent from it. */
#define VMSTATE_WITH_TMP_TEST(_s, _t, _tmp_type, _d) {              \
        .name = "tmp",                                              \
        .field_exists = (_t),                                       \
        .size = sizeof(_tmp_type) +                                 \
            QEMU_BUILD_BUG_ON_ZERO(offsetof(_tmp_type, parent) != 0) + \
            type_check_pointer(_s, typeof_field(_tmp_type, parent)), \
        .vmsd = &(_d),                                              \
        .info = &vmstate_info_tmp,                                  \
    }
#define VMSTATE_WITH_TMP(_s, _tmp_type, _d) \
    VMSTATE_WITH_TMP_TEST(_s, NULL, _tmp_type, _d)

/* ------------------------------------------------------------------------------------
 * Bytes
 * ------------------------------------------------------------------------------------ */

/* Bytes _start up to, not including, _size of a uint8_t array. */
#define VMSTATE_STATIC_BUFFER(_f, _s, _v, _t, _start, _size) {      \
        vmstate_part_name(_f, _v, _t),                              \
        .size = (_size - _start),                                   \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_BUFFER,                                        \
        .offset = vmstate_offset_buffer(_s, _f) + _start,           \
    }
#define VMSTATE_BUFFER_START_MIDDLE_V(_f, _s, _start, _v) \
    VMSTATE_STATIC_BUFFER(_f, _s, _v, NULL, _start, sizeof(typeof_field(_s, _f)))
#define VMSTATE_BUFFER_START_MIDDLE(_f, _s, _start) \
    VMSTATE_BUFFER_START_MIDDLE_V(_f, _s, _start, 0)
#define VMSTATE_PARTIAL_BUFFER(_f, _s, _size) \
    VMSTATE_STATIC_BUFFER(_f, _s, 0, NULL, 0, _size)
#define VMSTATE_BUFFER_TEST(_f, _s, _t) \
    VMSTATE_STATIC_BUFFER(_f, _s, 0, _t, 0, sizeof(typeof_field(_s, _f)))
#define VMSTATE_BUFFER_V(_f, _s, _v) \
    VMSTATE_STATIC_BUFFER(_f, _s, _v, NULL, 0, sizeof(typeof_field(_s, _f)))
#define VMSTATE_BUFFER(_f, _s) VMSTATE_BUFFER_V(_f, _s, 0)

/* _size bytes of a member of any type, as _i reads and writes them. */
#define VMSTATE_BUFFER_UNSAFE_INFO_TEST(_f, _s, _t, _v, _i, _size) { \
        vmstate_part_name(_f, _v, _t),                              \
        .size = (_size),                                            \
        .info = &(_i),                                              \
        .flags = VMS_BUFFER,                                        \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_BUFFER_UNSAFE_INFO(_f, _s, _v, _i, _size) \
    VMSTATE_BUFFER_UNSAFE_INFO_TEST(_f, _s, NULL, _v, _i, _size)
#define VMSTATE_BUFFER_UNSAFE(_f, _s, _v, _size) \
    VMSTATE_BUFFER_UNSAFE_INFO(_f, _s, _v, vmstate_info_buffer, _size)
#define VMSTATE_BUFFER_POINTER_UNSAFE(_f, _s, _v, _size) {          \
        vmstate_part_name(_f, _v, NULL),                            \
        .size = (_size),                                            \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_BUFFER | VMS_POINTER,                          \
        .offset = offsetof(_s, _f),                                 \
    }

/* Behind a pointer, as many as another member says. */
#define VMSTATE_VBUFFER(_f, _s, _v, _t, _fs) {                      \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_size(_s, _fs, int32_t),                        \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_VBUFFER | VMS_POINTER,                         \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_VBUFFER_UINT32(_f, _s, _v, _t, _fs) {               \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_size(_s, _fs, uint32_t),                       \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_VBUFFER | VMS_POINTER,                         \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_VBUFFER_ALLOC_UINT32(_f, _s, _v, _t, _fs) {         \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_size(_s, _fs, uint32_t),                       \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_VBUFFER | VMS_POINTER | VMS_ALLOC,             \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_VBUFFER_MULTIPLY(_f, _s, _v, _t, _fs, _multiply) {  \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_size(_s, _fs, uint32_t),                       \
        .size = (_multiply),                                        \
        .info = &vmstate_info_buffer,                               \
        .flags = VMS_VBUFFER | VMS_POINTER | VMS_MULTIPLY,          \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_PARTIAL_VBUFFER(_f, _s, _fs) VMSTATE_VBUFFER(_f, _s, 0, NULL, _fs)
#define VMSTATE_PARTIAL_VBUFFER_UINT32(_f, _s, _fs) \
    VMSTATE_VBUFFER_UINT32(_f, _s, 0, NULL, _fs)

/* An unsigned long array behind a pointer; the member _fs says how many bits. */
#define VMSTATE_BITMAP_TEST(_f, _s, _t, _v, _fs) {                  \
        vmstate_part_name(_f, _v, _t),                              \
        vmstate_part_size(_s, _fs, int32_t),                        \
        .info = &vmstate_info_bitmap,                               \
        .flags = VMS_VBUFFER | VMS_POINTER,                         \
        .offset = offsetof(_s, _f),                                 \
    }
#define VMSTATE_BITMAP(_f, _s, _v, _fs) VMSTATE_BITMAP_TEST(_f, _s, NULL, _v, _fs)

/* Where a member used to be: zeros when saved, skipped when loaded.  _size is what was on
 * the wire, which need not be the sizeof of the old member. */
#define VMSTATE_UNUSED_BUFFER(_t, _v, _size) {                      \
        .name = "unused",                                           \
        .field_exists = (_t),                                       \
        .version_id = (_v),                                         \
        .size = (_size),                                            \
        .info = &vmstate_info_unused_buffer,                        \
        .flags = VMS_BUFFER,                                        \
    }
#define VMSTATE_UNUSED_VARRAY_UINT32(_s, _t, _v, _fn, _size) {      \
        .name = "unused",                                           \
        .field_exists = (_t),                                       \
        .version_id = (_v),                                         \
        vmstate_part_count(_s, _fn, uint32_t),                      \
        .size = (_size),                                            \
        .info = &vmstate_info_unused_buffer,                        \
        .flags = VMS_VARRAY_UINT32 | VMS_BUFFER,                    \
    }
#define VMSTATE_UNUSED_TEST(_t, _size) VMSTATE_UNUSED_BUFFER(_t, 0, _size)
#define VMSTATE_UNUSED_V(_v, _size) VMSTATE_UNUSED_BUFFER(NULL, _v, _size)
#define VMSTATE_UNUSED(_size) VMSTATE_UNUSED_V(0, _size)

/* ------------------------------------------------------------------------------------
 * Lists and trees
 * ------------------------------------------------------------------------------------ */

/* _f is the head, _ty the type of an element, _next the entry in it. */
#define VMSTATE_QTAILQ_V(_f, _s, _v, _d, _ty, _next) {              \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        .info = &vmstate_info_qtailq,                               \
        .offset = offsetof(_s, _f),                                 \
        .start = offsetof(_ty, _next),                              \
    }
#define VMSTATE_QLIST_V(_f, _s, _v, _d, _ty, _next) {               \
        vmstate_part_name(_f, _v, NULL),                            \
        vmstate_part_vmsd(_d, _ty),                                 \
        .info = &vmstate_info_qlist,                                \
        .offset = offsetof(_s, _f),                                 \
        .start = offsetof(_ty, _next),                              \
    }

/* _d is an array of two descriptions: of the value, then of the key. */
#define VMSTATE_GTREE_V(_f, _s, _v, _d, _key_type, _val_type) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        .vmsd = (_d),                                               \
        .info = &vmstate_info_gtree,                                \
        .start = sizeof(_key_type),                                 \
        .size = sizeof(_val_type),                                  \
        .offset = offsetof(_s, _f),                                 \
    }
/* The key is an integer itself; _d is the description of the value. */
#define VMSTATE_GTREE_DIRECT_KEY_V(_f, _s, _v, _d, _val_type) {     \
        vmstate_part_name(_f, _v, NULL),                            \
        .vmsd = (_d),                                               \
        .info = &vmstate_info_gtree,                                \
        .start = 0,                                                 \
        .size = sizeof(_val_type),                                  \
        .offset = offsetof(_s, _f),                                 \
    }

/* ------------------------------------------------------------------------------------
 * Short names: one element of each type
 * ------------------------------------------------------------------------------------ */

#define VMSTATE_BOOL_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_bool, bool)
#define VMSTATE_INT8_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_int8, int8_t)
#define VMSTATE_INT16_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_int16, int16_t)
#define VMSTATE_INT32_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_int32, int32_t)
#define VMSTATE_INT64_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_int64, int64_t)
#define VMSTATE_UINT8_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint64, uint64_t)
#define VMSTATE_FD_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_fd, int32_t)
#define VMSTATE_U8_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint8, __u8)
#define VMSTATE_U16_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint16, __u16)
#define VMSTATE_U32_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint32, __u32)
#define VMSTATE_U64_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_uint64, __u64)

#define VMSTATE_BOOL(_f, _s) VMSTATE_BOOL_V(_f, _s, 0)
#define VMSTATE_INT8(_f, _s) VMSTATE_INT8_V(_f, _s, 0)
#define VMSTATE_INT16(_f, _s) VMSTATE_INT16_V(_f, _s, 0)
#define VMSTATE_INT32(_f, _s) VMSTATE_INT32_V(_f, _s, 0)
#define VMSTATE_INT64(_f, _s) VMSTATE_INT64_V(_f, _s, 0)
#define VMSTATE_UINT8(_f, _s) VMSTATE_UINT8_V(_f, _s, 0)
#define VMSTATE_UINT16(_f, _s) VMSTATE_UINT16_V(_f, _s, 0)
#define VMSTATE_UINT32(_f, _s) VMSTATE_UINT32_V(_f, _s, 0)
#define VMSTATE_UINT64(_f, _s) VMSTATE_UINT64_V(_f, _s, 0)
#define VMSTATE_FD(_f, _s) VMSTATE_FD_V(_f, _s, 0)
#define VMSTATE_U8(_f, _s) VMSTATE_U8_V(_f, _s, 0)
#define VMSTATE_U16(_f, _s) VMSTATE_U16_V(_f, _s, 0)
#define VMSTATE_U32(_f, _s) VMSTATE_U32_V(_f, _s, 0)
#define VMSTATE_U64(_f, _s) VMSTATE_U64_V(_f, _s, 0)

#define VMSTATE_BOOL_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_bool, bool)
#define VMSTATE_INT8_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_int8, int8_t)
#define VMSTATE_INT16_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_int16, int16_t)
#define VMSTATE_INT32_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_int32, int32_t)
#define VMSTATE_INT64_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_int64, int64_t)
#define VMSTATE_UINT8_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_uint64, uint64_t)
#define VMSTATE_FD_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_fd, int32_t)

/* The value that both sides must agree on. */
#define VMSTATE_UINT8_EQUAL(_f, _s, _err_hint) \
    VMSTATE_SINGLE_FULL(_f, _s, 0, 0, vmstate_info_uint8_equal, uint8_t, _err_hint)
#define VMSTATE_UINT16_EQUAL_V(_f, _s, _v, _err_hint) \
    VMSTATE_SINGLE_FULL(_f, _s, 0, _v, vmstate_info_uint16_equal, uint16_t, _err_hint)
#define VMSTATE_UINT16_EQUAL(_f, _s, _err_hint) \
    VMSTATE_UINT16_EQUAL_V(_f, _s, 0, _err_hint)
#define VMSTATE_INT32_EQUAL(_f, _s, _err_hint) \
    VMSTATE_SINGLE_FULL(_f, _s, 0, 0, vmstate_info_int32_equal, int32_t, _err_hint)
#define VMSTATE_UINT32_EQUAL_V(_f, _s, _v, _err_hint) \
    VMSTATE_SINGLE_FULL(_f, _s, 0, _v, vmstate_info_uint32_equal, uint32_t, _err_hint)
#define VMSTATE_UINT32_EQUAL(_f, _s, _err_hint) \
    VMSTATE_UINT32_EQUAL_V(_f, _s, 0, _err_hint)
#define VMSTATE_UINT64_EQUAL_V(_f, _s, _v, _err_hint) \
    VMSTATE_SINGLE_FULL(_f, _s, 0, _v, vmstate_info_uint64_equal, uint64_t, _err_hint)
#define VMSTATE_UINT64_EQUAL(_f, _s, _err_hint) \
    VMSTATE_UINT64_EQUAL_V(_f, _s, 0, _err_hint)
#define VMSTATE_INT32_POSITIVE_LE(_f, _s) \
    VMSTATE_SINGLE(_f, _s, 0, vmstate_info_int32_le, int32_t)

/* Timers, in the structure or behind a pointer. */
#define VMSTATE_TIMER_TEST(_f, _s, _t) \
    VMSTATE_SINGLE_TEST(_f, _s, _t, 0, vmstate_info_timer, QEMUTimer)
#define VMSTATE_TIMER_V(_f, _s, _v) \
    VMSTATE_SINGLE(_f, _s, _v, vmstate_info_timer, QEMUTimer)
#define VMSTATE_TIMER(_f, _s) VMSTATE_TIMER_V(_f, _s, 0)
#define VMSTATE_TIMER_PTR_TEST(_f, _s, _t) \
    VMSTATE_POINTER_TEST(_f, _s, _t, vmstate_info_timer, QEMUTimer *)
#define VMSTATE_TIMER_PTR_V(_f, _s, _v) \
    VMSTATE_POINTER(_f, _s, _v, vmstate_info_timer, QEMUTimer *)
#define VMSTATE_TIMER_PTR(_f, _s) VMSTATE_TIMER_PTR_V(_f, _s, 0)
#define VMSTATE_TIMER_ARRAY(_f, _s, _n) \
    VMSTATE_ARRAY(_f, _s, _n, 0, vmstate_info_timer, QEMUTimer)
#define VMSTATE_TIMER_PTR_ARRAY(_f, _s, _n) \
    VMSTATE_ARRAY_OF_POINTER(_f, _s, _n, 0, vmstate_info_timer, QEMUTimer *)

/* ------------------------------------------------------------------------------------
 * Short names: arrays of each type
 * ------------------------------------------------------------------------------------ */

#define VMSTATE_BOOL_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_bool, bool)
#define VMSTATE_INT16_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_int16, int16_t)
#define VMSTATE_INT32_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_int32, int32_t)
#define VMSTATE_INT64_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_int64, int64_t)
#define VMSTATE_UINT8_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_uint64, uint64_t)
#define VMSTATE_CPUDOUBLE_ARRAY_V(_f, _s, _n, _v) \
    VMSTATE_ARRAY(_f, _s, _n, _v, vmstate_info_cpudouble, CPU_DoubleU)

#define VMSTATE_BOOL_ARRAY(_f, _s, _n) VMSTATE_BOOL_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_INT16_ARRAY(_f, _s, _n) VMSTATE_INT16_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_INT32_ARRAY(_f, _s, _n) VMSTATE_INT32_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_INT64_ARRAY(_f, _s, _n) VMSTATE_INT64_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_UINT8_ARRAY(_f, _s, _n) VMSTATE_UINT8_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_UINT16_ARRAY(_f, _s, _n) VMSTATE_UINT16_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_UINT32_ARRAY(_f, _s, _n) VMSTATE_UINT32_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_UINT64_ARRAY(_f, _s, _n) VMSTATE_UINT64_ARRAY_V(_f, _s, _n, 0)
#define VMSTATE_CPUDOUBLE_ARRAY(_f, _s, _n) VMSTATE_CPUDOUBLE_ARRAY_V(_f, _s, _n, 0)

#define VMSTATE_UINT8_2DARRAY_V(_f, _s, _n1, _n2, _v) \
    VMSTATE_2DARRAY(_f, _s, _n1, _n2, _v, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_2DARRAY_V(_f, _s, _n1, _n2, _v) \
    VMSTATE_2DARRAY(_f, _s, _n1, _n2, _v, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_2DARRAY_V(_f, _s, _n1, _n2, _v) \
    VMSTATE_2DARRAY(_f, _s, _n1, _n2, _v, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_2DARRAY_V(_f, _s, _n1, _n2, _v) \
    VMSTATE_2DARRAY(_f, _s, _n1, _n2, _v, vmstate_info_uint64, uint64_t)

#define VMSTATE_UINT8_2DARRAY(_f, _s, _n1, _n2) \
    VMSTATE_UINT8_2DARRAY_V(_f, _s, _n1, _n2, 0)
#define VMSTATE_UINT16_2DARRAY(_f, _s, _n1, _n2) \
    VMSTATE_UINT16_2DARRAY_V(_f, _s, _n1, _n2, 0)
#define VMSTATE_UINT32_2DARRAY(_f, _s, _n1, _n2) \
    VMSTATE_UINT32_2DARRAY_V(_f, _s, _n1, _n2, 0)
#define VMSTATE_UINT64_2DARRAY(_f, _s, _n1, _n2) \
    VMSTATE_UINT64_2DARRAY_V(_f, _s, _n1, _n2, 0)

#define VMSTATE_BOOL_SUB_ARRAY(_f, _s, _start, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, _start, _n, 0, vmstate_info_bool, bool)
#define VMSTATE_UINT8_SUB_ARRAY(_f, _s, _start, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, _start, _n, 0, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_SUB_ARRAY(_f, _s, _start, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, _start, _n, 0, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_SUB_ARRAY(_f, _s, _start, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, _start, _n, 0, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_SUB_ARRAY(_f, _s, _start, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, _start, _n, 0, vmstate_info_uint64, uint64_t)

/* Behind the last field of every table. */
#define VMSTATE_END_OF_LIST() { .flags = VMS_END, }

/* ------------------------------------------------------------------------------------
 * Registration: which descriptions are sections of a stream of their own
 * ------------------------------------------------------------------------------------ */

typedef struct VMStateIf VMStateIf;

/* As instance_id: the next free one. */
#define VMSTATE_INSTANCE_ID_ANY -1

int vmstate_register(VMStateIf *obj, int instance_id, const VMStateDescription *vmsd,
                     void *opaque);
int vmstate_register_any(VMStateIf *obj, const VMStateDescription *vmsd, void *opaque);
void vmstate_unregister(VMStateIf *obj, const VMStateDescription *vmsd, void *opaque);

#endif
