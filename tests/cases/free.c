#include "migration/vmstate.h"

typedef struct QEMUFile QEMUFile;
int qemu_get_byte(QEMUFile *f);
unsigned int qemu_get_be16(QEMUFile *f);
unsigned int qemu_get_be32(QEMUFile *f);
uint64_t qemu_get_be64(QEMUFile *f);
size_t qemu_get_buffer(QEMUFile *f, uint8_t *buf, size_t size);
void qemu_put_byte(QEMUFile *f, int v);
void qemu_put_be16(QEMUFile *f, unsigned int v);
void qemu_put_be32(QEMUFile *f, unsigned int v);
void qemu_put_be64(QEMUFile *f, uint64_t v);
void qemu_put_buffer(QEMUFile *f, const uint8_t *buf, size_t size);

typedef struct Packet { uint32_t id; uint16_t size; uint8_t *bytes; struct Packet *next; } Packet;
typedef struct GByteArray { uint8_t *data; unsigned int len; } GByteArray;
typedef struct Dev {
    GByteArray *array;
    uint32_t n, mode, extra;
    uint64_t *ids;
    Packet *first;
    uint8_t kind;
    int after;
} Dev;
void g_byte_array_set_size(GByteArray *a, unsigned int n);
Packet *new_packet(Dev *d);

#define INFO(which) \
    static const VMStateInfo which = { .name = #which, .get = which##_get, .put = which##_put };
#define GET(name) static int name##_get(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
#define PUT(name) static int name##_put(QEMUFile *f, void *pv, size_t size, const VMStateField *field, JSONWriter *vmdesc)

GET(vmstate_info_g_byte_array)
{
    GByteArray *a = *(GByteArray **)pv;
    uint32_t len = qemu_get_be32(f);

    g_byte_array_set_size(a, len);
    qemu_get_buffer(f, a->data, len);
    return 0;
}
PUT(vmstate_info_g_byte_array)
{
    GByteArray *a = *(GByteArray **)pv;

    qemu_put_be32(f, a->len);
    qemu_put_buffer(f, a->data, a->len);
    return 0;
}
INFO(vmstate_info_g_byte_array)

GET(vmstate_info_ids)
{
    Dev *d = pv;
    d->n = qemu_get_be16(f);
    for (int i = 0; i < d->n; i++) {
        d->ids[i] = qemu_get_be64(f);
    }
    d->mode = qemu_get_be32(f);
    if (d->mode == 2) {
        d->extra = qemu_get_be32(f);
    }
    return 0;
}
PUT(vmstate_info_ids)
{
    Dev *d = pv;
    qemu_put_be16(f, d->n);
    for (int i = 0; i < d->n; i++) {
        qemu_put_be64(f, d->ids[i]);
    }
    qemu_put_be32(f, d->mode);
    if (d->mode == 2) {
        qemu_put_be32(f, d->extra);
    }
    return 0;
}
INFO(vmstate_info_ids)

GET(vmstate_info_packets)
{
    Dev *d = pv;
    while (qemu_get_byte(f)) {
        Packet *p = new_packet(d);
        p->id = qemu_get_be32(f);
        p->size = qemu_get_be16(f);
        qemu_get_buffer(f, p->bytes, p->size);
    }
    return 0;
}
PUT(vmstate_info_packets)
{
    Dev *d = pv;
    for (Packet *p = d->first; p; p = p->next) {
        qemu_put_byte(f, 1);
        qemu_put_be32(f, p->id);
        qemu_put_be16(f, p->size);
        qemu_put_buffer(f, p->bytes, p->size);
    }
    qemu_put_byte(f, 0);
    return 0;
}
INFO(vmstate_info_packets)

GET(vmstate_info_counted)
{
    Dev *d = pv;
    uint32_t n = qemu_get_be32(f);
    for (uint32_t i = 0; i < n; i++) {
        Packet *p = new_packet(d);
        p->size = qemu_get_be16(f);
        p->id = qemu_get_be32(f);
        qemu_get_buffer(f, p->bytes, p->size * 2);
    }
    return 0;
}
PUT(vmstate_info_counted)
{
    Dev *d = pv;
    if (!d->first) {
        qemu_put_be32(f, 0);
        return 0;
    }
    qemu_put_be32(f, d->n);
    for (Packet *p = d->first; p; p = p->next) {
        qemu_put_be16(f, p->size);
        qemu_put_be32(f, p->id);
        qemu_put_buffer(f, p->bytes, p->size * 2);
    }
    return 0;
}
INFO(vmstate_info_counted)

#define WHOLE(name_, info_) { .name = name_, .info = &info_, .flags = VMS_SINGLE, .offset = 0 }

const VMStateDescription vmstate_dev = {
    .name = "dev",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        { .name = "array", .info = &vmstate_info_g_byte_array, .flags = VMS_SINGLE,
          .size = sizeof(GByteArray *), .offset = offsetof(Dev, array) },
        WHOLE("ids", vmstate_info_ids),
        WHOLE("packets", vmstate_info_packets),
        WHOLE("counted", vmstate_info_counted),
        VMSTATE_INT32(after, Dev),
        VMSTATE_END_OF_LIST()
    }
};
