/* libcbor: items are behind a pointer. */
#ifndef VMGEN_SHIM_CBOR_H
#define VMGEN_SHIM_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef struct cbor_item_t cbor_item_t;
typedef const unsigned char *cbor_data;
typedef unsigned char *cbor_mutable_data;
typedef enum {
    CBOR_INT_8,
    CBOR_INT_16,
    CBOR_INT_32,
    CBOR_INT_64
} cbor_int_width;
struct cbor_pair {
    cbor_item_t *key;
    cbor_item_t *value;
};
typedef enum {
    CBOR_ERR_NONE,
    CBOR_ERR_NOTENOUGHDATA,
    CBOR_ERR_NODATA,
    CBOR_ERR_MALFORMATED,
    CBOR_ERR_MEMERROR,
    CBOR_ERR_SYNTAXERROR
} cbor_error_code;
struct cbor_error {
    size_t position;
    cbor_error_code code;
};
struct cbor_load_result {
    struct cbor_error error;
    size_t read;
};
cbor_item_t *cbor_load(cbor_data, size_t, struct cbor_load_result *);
cbor_item_t *cbor_move(cbor_item_t *);
cbor_item_t *cbor_incref(cbor_item_t *);
struct cbor_pair *cbor_map_handle(const cbor_item_t *);
cbor_item_t **cbor_array_handle(const cbor_item_t *);
cbor_mutable_data cbor_string_handle(const cbor_item_t *);
cbor_mutable_data cbor_bytestring_handle(const cbor_item_t *);

#endif
