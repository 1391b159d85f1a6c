/*
 * Every public macro of migration/vmstate.h once, each in a description of its own that is
 * called like the macro: what vmgen reads out of it must be what a compiler makes of it.
 */
#include "migration/vmstate.h"

typedef struct {
    uint32_t words[3];
} Inner;

static const VMStateDescription vmstate_inner = {
    .name = "inner",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(words, Inner, 3),
        VMSTATE_END_OF_LIST()
    }
};

typedef struct InTail {
    uint32_t word;
    QTAILQ_ENTRY(InTail) next;
} InTail;

static const VMStateDescription vmstate_in_tail = {
    .name = "in_tail",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(word, InTail),
        VMSTATE_END_OF_LIST()
    }
};

typedef struct InList {
    uint32_t word;
    QLIST_ENTRY(InList) next;
} InList;

static const VMStateDescription vmstate_in_list = {
    .name = "in_list",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(word, InList),
        VMSTATE_END_OF_LIST()
    }
};

/* Of a tree with keys: the value, then the key. */
static const VMStateDescription vmstate_value_and_key[] = {
    {
        .name = "value",
        .fields = (const VMStateField[]) {
            VMSTATE_UINT32_ARRAY(words, Inner, 3),
            VMSTATE_END_OF_LIST()
        }
    },
    {
        .name = "key",
        .fields = (const VMStateField[]) {
            VMSTATE_UINT32_ARRAY(words, Inner, 3),
            VMSTATE_END_OF_LIST()
        }
    }
};

typedef struct {
    uint32_t word;
} Parent;

typedef struct {
    Parent *parent;
    uint64_t word;
} Temporary;

static const VMStateDescription vmstate_temporary = {
    .name = "temporary",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(word, Temporary),
        VMSTATE_END_OF_LIST()
    }
};

static bool some_test(void *opaque, int version_id)
{
    return version_id >= 2;
}

/* The table of a device with one member, m, and a count or size, n. */
#define ONE_FIELD(_macro, _count_type, _member, ...)        \
    typedef struct {                                        \
        char before[8];                                     \
        _count_type n;                                      \
        _member;                                            \
    } Of_##_macro;                                          \
    const VMStateDescription vmstate_of_##_macro = {        \
        .name = #_macro,                                    \
        .version_id = 3,                                    \
        .minimum_version_id = 1,                            \
        .fields = (const VMStateField[]) {                  \
            _macro(__VA_ARGS__),                            \
            VMSTATE_END_OF_LIST()                           \
        }                                                   \
    };

ONE_FIELD(VMSTATE_SINGLE_TEST, uint32_t, uint8_t m,
          m, Of_VMSTATE_SINGLE_TEST, some_test, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_SINGLE_FULL, uint32_t, uint8_t m,
          m, Of_VMSTATE_SINGLE_FULL, some_test, 3, vmstate_info_uint8, uint8_t, "hint")
ONE_FIELD(VMSTATE_VALIDATE, uint32_t, uint8_t m, "nm", some_test)
ONE_FIELD(VMSTATE_POINTER, uint32_t, uint8_t * m,
          m, Of_VMSTATE_POINTER, 3, vmstate_info_uint8, uint8_t *)
ONE_FIELD(VMSTATE_POINTER_TEST, uint32_t, uint8_t * m,
          m, Of_VMSTATE_POINTER_TEST, some_test, vmstate_info_uint8, uint8_t *)
ONE_FIELD(VMSTATE_ARRAY, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_ARRAY, 16, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_2DARRAY, uint32_t, uint8_t m[5][7],
          m, Of_VMSTATE_2DARRAY, 5, 7, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_MULTIPLY, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_VARRAY_MULTIPLY, n, 6, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_SUB_ARRAY, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_SUB_ARRAY, 2, 4, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_ARRAY_INT32_UNSAFE, int32_t, uint8_t m[16],
          m, Of_VMSTATE_ARRAY_INT32_UNSAFE, n, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_INT32, int32_t, uint8_t *m,
          m, Of_VMSTATE_VARRAY_INT32, n, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_UINT32, uint32_t, uint8_t *m,
          m, Of_VMSTATE_VARRAY_UINT32, n, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_UINT32_ALLOC, uint32_t, uint8_t *m,
          m, Of_VMSTATE_VARRAY_UINT32_ALLOC, n, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_UINT16_ALLOC, uint16_t, uint8_t *m,
          m, Of_VMSTATE_VARRAY_UINT16_ALLOC, n, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VARRAY_UINT16_UNSAFE, uint16_t, uint8_t m[16],
          m, Of_VMSTATE_VARRAY_UINT16_UNSAFE, n, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VSTRUCT_TEST, uint32_t, Inner m,
          m, Of_VMSTATE_VSTRUCT_TEST, some_test, 3, vmstate_inner, Inner, 9)
ONE_FIELD(VMSTATE_STRUCT_TEST, uint32_t, Inner m,
          m, Of_VMSTATE_STRUCT_TEST, some_test, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_POINTER_V, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_POINTER_V, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_POINTER_TEST_V, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_POINTER_TEST_V, some_test, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_ARRAY_OF_POINTER, uint32_t, uint8_t * m[16],
          m, Of_VMSTATE_ARRAY_OF_POINTER, 16, 3, vmstate_info_uint8, uint8_t *)
ONE_FIELD(VMSTATE_ARRAY_OF_POINTER_TO_STRUCT, uint32_t, Inner *m[16],
          m, Of_VMSTATE_ARRAY_OF_POINTER_TO_STRUCT, 16, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_SUB_ARRAY, uint32_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_SUB_ARRAY, 2, 4, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_ARRAY_TEST, uint32_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_ARRAY_TEST, 16, some_test, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_2DARRAY_TEST, uint32_t, Inner m[5][7],
          m, Of_VMSTATE_STRUCT_2DARRAY_TEST, 5, 7, some_test, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_UINT8, uint8_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_VARRAY_UINT8, n, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_POINTER_KNOWN, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_VARRAY_POINTER_KNOWN, 16, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_POINTER_INT32, int32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_VARRAY_POINTER_INT32, n, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_POINTER_UINT32, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_VARRAY_POINTER_UINT32, n, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_POINTER_UINT16, uint16_t, Inner *m,
          m, Of_VMSTATE_STRUCT_VARRAY_POINTER_UINT16, n, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_INT32, int32_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_VARRAY_INT32, n, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_UINT32, uint32_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_VARRAY_UINT32, n, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_VARRAY_ALLOC, int32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_VARRAY_ALLOC, n, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STATIC_BUFFER, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_STATIC_BUFFER, 3, some_test, 2, 12)
ONE_FIELD(VMSTATE_VBUFFER_MULTIPLY, uint32_t, uint8_t *m,
          m, Of_VMSTATE_VBUFFER_MULTIPLY, 3, some_test, n, 6)
ONE_FIELD(VMSTATE_VBUFFER, int32_t, uint8_t *m, m, Of_VMSTATE_VBUFFER, 3, some_test, n)
ONE_FIELD(VMSTATE_VBUFFER_UINT32, uint32_t, uint8_t *m,
          m, Of_VMSTATE_VBUFFER_UINT32, 3, some_test, n)
ONE_FIELD(VMSTATE_VBUFFER_ALLOC_UINT32, uint32_t, uint8_t *m,
          m, Of_VMSTATE_VBUFFER_ALLOC_UINT32, 3, some_test, n)
ONE_FIELD(VMSTATE_BUFFER_UNSAFE_INFO_TEST, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_UNSAFE_INFO_TEST, some_test, 3, vmstate_info_uint8, 12)
ONE_FIELD(VMSTATE_BUFFER_POINTER_UNSAFE, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_POINTER_UNSAFE, 3, 12)
ONE_FIELD(VMSTATE_WITH_TMP_TEST, uint32_t, Inner m,
          Parent, some_test, Temporary, vmstate_temporary)
ONE_FIELD(VMSTATE_WITH_TMP, uint32_t, Inner m, Parent, Temporary, vmstate_temporary)
ONE_FIELD(VMSTATE_UNUSED_BUFFER, uint32_t, uint8_t m[16], some_test, 3, 12)
ONE_FIELD(VMSTATE_UNUSED_VARRAY_UINT32, uint32_t, uint8_t m,
          Of_VMSTATE_UNUSED_VARRAY_UINT32, some_test, 3, n, 12)
ONE_FIELD(VMSTATE_BITMAP_TEST, int32_t, uint8_t *m,
          m, Of_VMSTATE_BITMAP_TEST, some_test, 3, n)
ONE_FIELD(VMSTATE_BITMAP, int32_t, uint8_t *m, m, Of_VMSTATE_BITMAP, 3, n)
ONE_FIELD(VMSTATE_QTAILQ_V, uint32_t, QTAILQ_HEAD(, InTail) m,
          m, Of_VMSTATE_QTAILQ_V, 3, vmstate_in_tail, InTail, next)
ONE_FIELD(VMSTATE_GTREE_V, uint32_t, void *m,
          m, Of_VMSTATE_GTREE_V, 3, vmstate_value_and_key, Inner, Inner)
ONE_FIELD(VMSTATE_GTREE_DIRECT_KEY_V, uint32_t, void *m,
          m, Of_VMSTATE_GTREE_DIRECT_KEY_V, 3, &vmstate_inner, Inner)
ONE_FIELD(VMSTATE_QLIST_V, uint32_t, QLIST_HEAD(, InList) m,
          m, Of_VMSTATE_QLIST_V, 3, vmstate_in_list, InList, next)
ONE_FIELD(VMSTATE_SINGLE, uint32_t, uint8_t m,
          m, Of_VMSTATE_SINGLE, 3, vmstate_info_uint8, uint8_t)
ONE_FIELD(VMSTATE_VSTRUCT, uint32_t, Inner m,
          m, Of_VMSTATE_VSTRUCT, vmstate_inner, Inner, 9)
ONE_FIELD(VMSTATE_VSTRUCT_V, uint32_t, Inner m,
          m, Of_VMSTATE_VSTRUCT_V, 3, vmstate_inner, Inner, 9)
ONE_FIELD(VMSTATE_STRUCT, uint32_t, Inner m,
          m, Of_VMSTATE_STRUCT, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_POINTER, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_POINTER, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_POINTER_TEST, uint32_t, Inner *m,
          m, Of_VMSTATE_STRUCT_POINTER_TEST, some_test, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_ARRAY, uint32_t, Inner m[16],
          m, Of_VMSTATE_STRUCT_ARRAY, 16, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_STRUCT_2DARRAY, uint32_t, Inner m[5][7],
          m, Of_VMSTATE_STRUCT_2DARRAY, 5, 7, 3, vmstate_inner, Inner)
ONE_FIELD(VMSTATE_BUFFER_UNSAFE_INFO, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_UNSAFE_INFO, 3, vmstate_info_uint8, 12)
ONE_FIELD(VMSTATE_BOOL_V, uint32_t, bool m, m, Of_VMSTATE_BOOL_V, 3)
ONE_FIELD(VMSTATE_INT8_V, uint32_t, int8_t m, m, Of_VMSTATE_INT8_V, 3)
ONE_FIELD(VMSTATE_INT16_V, uint32_t, int16_t m, m, Of_VMSTATE_INT16_V, 3)
ONE_FIELD(VMSTATE_INT32_V, int32_t, int32_t m, m, Of_VMSTATE_INT32_V, 3)
ONE_FIELD(VMSTATE_INT64_V, uint32_t, int64_t m, m, Of_VMSTATE_INT64_V, 3)
ONE_FIELD(VMSTATE_UINT8_V, uint32_t, uint8_t m, m, Of_VMSTATE_UINT8_V, 3)
ONE_FIELD(VMSTATE_UINT16_V, uint16_t, uint16_t m, m, Of_VMSTATE_UINT16_V, 3)
ONE_FIELD(VMSTATE_UINT32_V, uint32_t, uint32_t m, m, Of_VMSTATE_UINT32_V, 3)
ONE_FIELD(VMSTATE_UINT64_V, uint32_t, uint64_t m, m, Of_VMSTATE_UINT64_V, 3)
ONE_FIELD(VMSTATE_FD_V, uint32_t, int32_t m, m, Of_VMSTATE_FD_V, 3)
ONE_FIELD(VMSTATE_U8_V, uint32_t, __u8 m, m, Of_VMSTATE_U8_V, 3)
ONE_FIELD(VMSTATE_U16_V, uint32_t, __u16 m, m, Of_VMSTATE_U16_V, 3)
ONE_FIELD(VMSTATE_U32_V, uint32_t, __u32 m, m, Of_VMSTATE_U32_V, 3)
ONE_FIELD(VMSTATE_U64_V, uint32_t, __u64 m, m, Of_VMSTATE_U64_V, 3)
ONE_FIELD(VMSTATE_BOOL, uint32_t, bool m, m, Of_VMSTATE_BOOL)
ONE_FIELD(VMSTATE_INT8, uint32_t, int8_t m, m, Of_VMSTATE_INT8)
ONE_FIELD(VMSTATE_INT16, uint32_t, int16_t m, m, Of_VMSTATE_INT16)
ONE_FIELD(VMSTATE_INT32, int32_t, int32_t m, m, Of_VMSTATE_INT32)
ONE_FIELD(VMSTATE_INT64, uint32_t, int64_t m, m, Of_VMSTATE_INT64)
ONE_FIELD(VMSTATE_UINT8, uint32_t, uint8_t m, m, Of_VMSTATE_UINT8)
ONE_FIELD(VMSTATE_UINT16, uint16_t, uint16_t m, m, Of_VMSTATE_UINT16)
ONE_FIELD(VMSTATE_UINT32, uint32_t, uint32_t m, m, Of_VMSTATE_UINT32)
ONE_FIELD(VMSTATE_UINT64, uint32_t, uint64_t m, m, Of_VMSTATE_UINT64)
ONE_FIELD(VMSTATE_FD, uint32_t, int32_t m, m, Of_VMSTATE_FD)
ONE_FIELD(VMSTATE_U8, uint32_t, __u8 m, m, Of_VMSTATE_U8)
ONE_FIELD(VMSTATE_U16, uint32_t, __u16 m, m, Of_VMSTATE_U16)
ONE_FIELD(VMSTATE_U32, uint32_t, __u32 m, m, Of_VMSTATE_U32)
ONE_FIELD(VMSTATE_U64, uint32_t, __u64 m, m, Of_VMSTATE_U64)
ONE_FIELD(VMSTATE_UINT8_EQUAL, uint32_t, uint8_t m, m, Of_VMSTATE_UINT8_EQUAL, "hint")
ONE_FIELD(VMSTATE_UINT16_EQUAL, uint16_t, uint16_t m,
          m, Of_VMSTATE_UINT16_EQUAL, "hint")
ONE_FIELD(VMSTATE_UINT16_EQUAL_V, uint16_t, uint16_t m,
          m, Of_VMSTATE_UINT16_EQUAL_V, 3, "hint")
ONE_FIELD(VMSTATE_INT32_EQUAL, int32_t, int32_t m, m, Of_VMSTATE_INT32_EQUAL, "hint")
ONE_FIELD(VMSTATE_UINT32_EQUAL_V, uint32_t, uint32_t m,
          m, Of_VMSTATE_UINT32_EQUAL_V, 3, "hint")
ONE_FIELD(VMSTATE_UINT32_EQUAL, uint32_t, uint32_t m,
          m, Of_VMSTATE_UINT32_EQUAL, "hint")
ONE_FIELD(VMSTATE_UINT64_EQUAL_V, uint32_t, uint64_t m,
          m, Of_VMSTATE_UINT64_EQUAL_V, 3, "hint")
ONE_FIELD(VMSTATE_UINT64_EQUAL, uint32_t, uint64_t m,
          m, Of_VMSTATE_UINT64_EQUAL, "hint")
ONE_FIELD(VMSTATE_INT32_POSITIVE_LE, int32_t, int32_t m,
          m, Of_VMSTATE_INT32_POSITIVE_LE)
ONE_FIELD(VMSTATE_BOOL_TEST, uint32_t, bool m, m, Of_VMSTATE_BOOL_TEST, some_test)
ONE_FIELD(VMSTATE_INT8_TEST, uint32_t, int8_t m, m, Of_VMSTATE_INT8_TEST, some_test)
ONE_FIELD(VMSTATE_INT16_TEST, uint32_t, int16_t m, m, Of_VMSTATE_INT16_TEST, some_test)
ONE_FIELD(VMSTATE_INT32_TEST, int32_t, int32_t m, m, Of_VMSTATE_INT32_TEST, some_test)
ONE_FIELD(VMSTATE_INT64_TEST, uint32_t, int64_t m, m, Of_VMSTATE_INT64_TEST, some_test)
ONE_FIELD(VMSTATE_UINT8_TEST, uint32_t, uint8_t m, m, Of_VMSTATE_UINT8_TEST, some_test)
ONE_FIELD(VMSTATE_UINT16_TEST, uint16_t, uint16_t m,
          m, Of_VMSTATE_UINT16_TEST, some_test)
ONE_FIELD(VMSTATE_UINT32_TEST, uint32_t, uint32_t m,
          m, Of_VMSTATE_UINT32_TEST, some_test)
ONE_FIELD(VMSTATE_UINT64_TEST, uint32_t, uint64_t m,
          m, Of_VMSTATE_UINT64_TEST, some_test)
ONE_FIELD(VMSTATE_FD_TEST, uint32_t, int32_t m, m, Of_VMSTATE_FD_TEST, some_test)
ONE_FIELD(VMSTATE_TIMER_PTR_TEST, uint32_t, QEMUTimer * m,
          m, Of_VMSTATE_TIMER_PTR_TEST, some_test)
ONE_FIELD(VMSTATE_TIMER_PTR_V, uint32_t, QEMUTimer * m, m, Of_VMSTATE_TIMER_PTR_V, 3)
ONE_FIELD(VMSTATE_TIMER_PTR, uint32_t, QEMUTimer * m, m, Of_VMSTATE_TIMER_PTR)
ONE_FIELD(VMSTATE_TIMER_PTR_ARRAY, uint32_t, QEMUTimer * m[16],
          m, Of_VMSTATE_TIMER_PTR_ARRAY, 16)
ONE_FIELD(VMSTATE_TIMER_TEST, uint32_t, QEMUTimer m,
          m, Of_VMSTATE_TIMER_TEST, some_test)
ONE_FIELD(VMSTATE_TIMER_V, uint32_t, QEMUTimer m, m, Of_VMSTATE_TIMER_V, 3)
ONE_FIELD(VMSTATE_TIMER, uint32_t, QEMUTimer m, m, Of_VMSTATE_TIMER)
ONE_FIELD(VMSTATE_TIMER_ARRAY, uint32_t, QEMUTimer m[16], m, Of_VMSTATE_TIMER_ARRAY, 16)
ONE_FIELD(VMSTATE_BOOL_ARRAY_V, uint32_t, bool m[16], m, Of_VMSTATE_BOOL_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_BOOL_ARRAY, uint32_t, bool m[16], m, Of_VMSTATE_BOOL_ARRAY, 16)
ONE_FIELD(VMSTATE_BOOL_SUB_ARRAY, uint32_t, bool m[16],
          m, Of_VMSTATE_BOOL_SUB_ARRAY, 2, 4)
ONE_FIELD(VMSTATE_UINT16_ARRAY_V, uint16_t, uint16_t m[16],
          m, Of_VMSTATE_UINT16_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_UINT16_2DARRAY_V, uint16_t, uint16_t m[5][7],
          m, Of_VMSTATE_UINT16_2DARRAY_V, 5, 7, 3)
ONE_FIELD(VMSTATE_UINT16_ARRAY, uint16_t, uint16_t m[16],
          m, Of_VMSTATE_UINT16_ARRAY, 16)
ONE_FIELD(VMSTATE_UINT16_SUB_ARRAY, uint16_t, uint16_t m[16],
          m, Of_VMSTATE_UINT16_SUB_ARRAY, 2, 4)
ONE_FIELD(VMSTATE_UINT16_2DARRAY, uint16_t, uint16_t m[5][7],
          m, Of_VMSTATE_UINT16_2DARRAY, 5, 7)
ONE_FIELD(VMSTATE_UINT8_2DARRAY_V, uint32_t, uint8_t m[5][7],
          m, Of_VMSTATE_UINT8_2DARRAY_V, 5, 7, 3)
ONE_FIELD(VMSTATE_UINT8_ARRAY_V, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_UINT8_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_UINT8_ARRAY, uint32_t, uint8_t m[16], m, Of_VMSTATE_UINT8_ARRAY, 16)
ONE_FIELD(VMSTATE_UINT8_SUB_ARRAY, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_UINT8_SUB_ARRAY, 2, 4)
ONE_FIELD(VMSTATE_UINT8_2DARRAY, uint32_t, uint8_t m[5][7],
          m, Of_VMSTATE_UINT8_2DARRAY, 5, 7)
ONE_FIELD(VMSTATE_UINT32_ARRAY_V, uint32_t, uint32_t m[16],
          m, Of_VMSTATE_UINT32_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_UINT32_2DARRAY_V, uint32_t, uint32_t m[5][7],
          m, Of_VMSTATE_UINT32_2DARRAY_V, 5, 7, 3)
ONE_FIELD(VMSTATE_UINT32_ARRAY, uint32_t, uint32_t m[16],
          m, Of_VMSTATE_UINT32_ARRAY, 16)
ONE_FIELD(VMSTATE_UINT32_SUB_ARRAY, uint32_t, uint32_t m[16],
          m, Of_VMSTATE_UINT32_SUB_ARRAY, 2, 4)
ONE_FIELD(VMSTATE_UINT32_2DARRAY, uint32_t, uint32_t m[5][7],
          m, Of_VMSTATE_UINT32_2DARRAY, 5, 7)
ONE_FIELD(VMSTATE_UINT64_ARRAY_V, uint32_t, uint64_t m[16],
          m, Of_VMSTATE_UINT64_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_UINT64_ARRAY, uint32_t, uint64_t m[16],
          m, Of_VMSTATE_UINT64_ARRAY, 16)
ONE_FIELD(VMSTATE_UINT64_SUB_ARRAY, uint32_t, uint64_t m[16],
          m, Of_VMSTATE_UINT64_SUB_ARRAY, 2, 4)
ONE_FIELD(VMSTATE_UINT64_2DARRAY, uint32_t, uint64_t m[5][7],
          m, Of_VMSTATE_UINT64_2DARRAY, 5, 7)
ONE_FIELD(VMSTATE_UINT64_2DARRAY_V, uint32_t, uint64_t m[5][7],
          m, Of_VMSTATE_UINT64_2DARRAY_V, 5, 7, 3)
ONE_FIELD(VMSTATE_INT16_ARRAY_V, uint32_t, int16_t m[16],
          m, Of_VMSTATE_INT16_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_INT16_ARRAY, uint32_t, int16_t m[16], m, Of_VMSTATE_INT16_ARRAY, 16)
ONE_FIELD(VMSTATE_INT32_ARRAY_V, int32_t, int32_t m[16],
          m, Of_VMSTATE_INT32_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_INT32_ARRAY, int32_t, int32_t m[16], m, Of_VMSTATE_INT32_ARRAY, 16)
ONE_FIELD(VMSTATE_INT64_ARRAY_V, uint32_t, int64_t m[16],
          m, Of_VMSTATE_INT64_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_INT64_ARRAY, uint32_t, int64_t m[16], m, Of_VMSTATE_INT64_ARRAY, 16)
ONE_FIELD(VMSTATE_CPUDOUBLE_ARRAY_V, uint32_t, CPU_DoubleU m[16],
          m, Of_VMSTATE_CPUDOUBLE_ARRAY_V, 16, 3)
ONE_FIELD(VMSTATE_CPUDOUBLE_ARRAY, uint32_t, CPU_DoubleU m[16],
          m, Of_VMSTATE_CPUDOUBLE_ARRAY, 16)
ONE_FIELD(VMSTATE_BUFFER_V, uint32_t, uint8_t m[16], m, Of_VMSTATE_BUFFER_V, 3)
ONE_FIELD(VMSTATE_BUFFER, uint32_t, uint8_t m[16], m, Of_VMSTATE_BUFFER)
ONE_FIELD(VMSTATE_PARTIAL_BUFFER, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_PARTIAL_BUFFER, 12)
ONE_FIELD(VMSTATE_BUFFER_START_MIDDLE_V, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_START_MIDDLE_V, 2, 3)
ONE_FIELD(VMSTATE_BUFFER_START_MIDDLE, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_START_MIDDLE, 2)
ONE_FIELD(VMSTATE_PARTIAL_VBUFFER, int32_t, uint8_t *m,
          m, Of_VMSTATE_PARTIAL_VBUFFER, n)
ONE_FIELD(VMSTATE_PARTIAL_VBUFFER_UINT32, uint32_t, uint8_t *m,
          m, Of_VMSTATE_PARTIAL_VBUFFER_UINT32, n)
ONE_FIELD(VMSTATE_BUFFER_TEST, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_TEST, some_test)
ONE_FIELD(VMSTATE_BUFFER_UNSAFE, uint32_t, uint8_t m[16],
          m, Of_VMSTATE_BUFFER_UNSAFE, 3, 12)
ONE_FIELD(VMSTATE_UNUSED_V, uint32_t, uint8_t m, 3, 12)
ONE_FIELD(VMSTATE_UNUSED, uint32_t, uint8_t m, 12)
ONE_FIELD(VMSTATE_UNUSED_TEST, uint32_t, uint8_t m, some_test, 12)
