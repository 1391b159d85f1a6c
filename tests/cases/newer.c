/* The macro layer of newer releases: one VMS_VARRAY whose count is found through an
 * offset and a size, pointers with markers, get and put called load and save, other
 * numbers for the flags. */
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

typedef struct QEMUFile QEMUFile;
typedef struct JSONWriter JSONWriter;
typedef struct Error Error;
typedef struct VMStateField VMStateField;
typedef struct VMStateDescription VMStateDescription;
typedef struct VMStateInfo VMStateInfo;
typedef struct GByteArray { uint8_t *data; unsigned int len; } GByteArray;

int qemu_get_byte(QEMUFile *f);
unsigned int qemu_get_be16(QEMUFile *f);
unsigned int qemu_get_be32(QEMUFile *f);
void qemu_put_byte(QEMUFile *f, int v);
void qemu_put_be16(QEMUFile *f, unsigned int v);
void qemu_put_be32(QEMUFile *f, unsigned int v);

struct VMStateInfo {
    const char *name;
    bool (*load)(QEMUFile *f, void *pv, size_t size, const VMStateField *field, Error **errp);
    bool (*save)(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                 JSONWriter *vmdesc, Error **errp);
};

enum VMStateFlags {
    VMS_SINGLE              = 0x001,
    VMS_POINTER             = 0x002,
    VMS_ARRAY               = 0x004,
    VMS_STRUCT              = 0x008,
    VMS_VARRAY              = 0x010,
    VMS_BUFFER              = 0x020,
    VMS_ARRAY_OF_POINTER    = 0x040,
    VMS_ARRAY_OF_POINTER_AUTO_ALLOC = 0x080,
    VMS_VBUFFER             = 0x100,
    VMS_MULTIPLY            = 0x200,
    VMS_MUST_EXIST          = 0x400,
    VMS_ALLOC               = 0x800,
    VMS_MULTIPLY_ELEMENTS   = 0x1000,
    VMS_VSTRUCT             = 0x2000,
    VMS_END                 = 0x4000,
};

typedef struct VMStateIndirect { size_t offset; size_t size; } VMStateIndirect;

struct VMStateField {
    const char *name;
    size_t offset;
    size_t size;
    size_t start;
    int num;
    VMStateIndirect num_indirect;
    VMStateIndirect size_indirect;
    const VMStateInfo *info;
    enum VMStateFlags flags;
    const VMStateDescription *vmsd;
    int version_id;
    int struct_version_id;
    bool (*field_exists)(void *opaque, int version_id);
};

struct VMStateDescription {
    const char *name;
    int version_id;
    int minimum_version_id;
    const VMStateField *fields;
    const VMStateDescription *const *subsections;
};

extern const VMStateInfo vmstate_info_uint8;
extern const VMStateInfo vmstate_info_uint16;
extern const VMStateInfo vmstate_info_uint32;
extern const VMStateInfo vmstate_info_buffer;

#define AT(state, member) { .offset = offsetof(state, member), \
                            .size = sizeof(((state *)0)->member) }
#define SINGLE(field_, state, info_, type) { .name = #field_, .info = &info_, \
    .size = sizeof(type), .flags = VMS_SINGLE, .offset = offsetof(state, field_) }
#define VARRAY(field_, state, count, info_, type) { .name = #field_, .info = &info_, \
    .num_indirect = AT(state, count), .size = sizeof(type), \
    .flags = VMS_VARRAY | VMS_POINTER, .offset = offsetof(state, field_) }
#define STRUCT_VARRAY(field_, state, count, vmsd_, type) { .name = #field_, \
    .num_indirect = AT(state, count), .size = sizeof(type), .vmsd = &vmsd_, \
    .flags = VMS_VARRAY | VMS_STRUCT, .offset = offsetof(state, field_) }
#define AUTO_ALLOC(field_, state, n, vmsd_, type) { .name = #field_, .num = n, \
    .size = sizeof(type), .vmsd = &vmsd_, .offset = offsetof(state, field_), \
    .flags = VMS_ARRAY | VMS_STRUCT | VMS_ARRAY_OF_POINTER \
             | VMS_ARRAY_OF_POINTER_AUTO_ALLOC }
#define VBUFFER(field_, state, count) { .name = #field_, \
    .size_indirect = AT(state, count), .info = &vmstate_info_buffer, \
    .flags = VMS_VBUFFER | VMS_POINTER | VMS_ALLOC, .offset = offsetof(state, field_) }
#define GBYTEARRAY(field_, state) { .name = #field_, .vmsd = &vmstate_gbytearray, \
    .size = sizeof(GByteArray), .flags = VMS_STRUCT | VMS_POINTER, \
    .offset = offsetof(state, field_) }
#define END_OF_LIST { .flags = VMS_END }

typedef struct Packet { uint16_t id; uint32_t length; } Packet;

typedef struct Ring {
    uint8_t few;
    uint16_t some;
    int32_t many;
    uint16_t *words;
    Packet packets[4];
    uint32_t *table;
    Packet *slots[3];
    GByteArray *out;
    int32_t bytes;
    uint8_t *raw;
    uint32_t level;
} Ring;

static bool load_level(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                       Error **errp)
{
    uint32_t *level = pv;
    *level = qemu_get_be32(f);
    return true;
}

static bool save_level(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                       JSONWriter *vmdesc, Error **errp)
{
    uint32_t *level = pv;
    qemu_put_be32(f, *level);
    return true;
}

static const VMStateInfo vmstate_info_level = {
    .name = "level",
    .load = load_level,
    .save = save_level,
};

static const VMStateDescription vmstate_gbytearray = {
    .name = "GByteArray",
    .fields = (const VMStateField[]) {
        SINGLE(len, GByteArray, vmstate_info_uint32, uint32_t),
        VBUFFER(data, GByteArray, len),
        END_OF_LIST
    }
};

static const VMStateDescription vmstate_packet = {
    .name = "packet",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        SINGLE(id, Packet, vmstate_info_uint16, uint16_t),
        SINGLE(length, Packet, vmstate_info_uint32, uint32_t),
        END_OF_LIST
    }
};

const VMStateDescription vmstate_ring = {
    .name = "ring",
    .version_id = 2,
    .minimum_version_id = 2,
    .fields = (const VMStateField[]) {
        SINGLE(few, Ring, vmstate_info_uint8, uint8_t),
        SINGLE(some, Ring, vmstate_info_uint16, uint16_t),
        SINGLE(many, Ring, vmstate_info_uint32, uint32_t),
        VARRAY(words, Ring, some, vmstate_info_uint16, uint16_t),
        STRUCT_VARRAY(packets, Ring, few, vmstate_packet, Packet),
        VARRAY(table, Ring, many, vmstate_info_uint32, uint32_t),
        AUTO_ALLOC(slots, Ring, 3, vmstate_packet, Packet),
        GBYTEARRAY(out, Ring),
        SINGLE(bytes, Ring, vmstate_info_uint32, uint32_t),
        VBUFFER(raw, Ring, bytes),
        SINGLE(level, Ring, vmstate_info_level, uint32_t),
        END_OF_LIST
    }
};
