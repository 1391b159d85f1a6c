/*
 * Lists inside structures, as far as a description needs them: the head in the owner, an
 * entry in each element.  On the wire a list is a 1 before each element and a 0 at its end
 * (VMSTATE_QTAILQ_V, VMSTATE_QLIST_V).
 */
#ifndef QEMU_QUEUE_H
#define QEMU_QUEUE_H

/* A list with one link back: QLIST. */
#define QLIST_HEAD(_name, _type) struct _name { struct _type *lh_first; }
#define QLIST_ENTRY(_type) \
    struct { struct _type *le_next; struct _type **le_prev; }

/* A list that also knows its end: QTAILQ. */
typedef struct QTailQLink {
    void *tql_next;
    struct QTailQLink *tql_prev;
} QTailQLink;

#define QTAILQ_HEAD(_name, _type) \
    union _name { struct _type *tqh_first; QTailQLink tqh_circ; }
#define QTAILQ_ENTRY(_type) \
    union { struct _type *tqe_next; QTailQLink tqe_circ; }

/* A list with single links: QSIMPLEQ, QSLIST. */
#define QSIMPLEQ_HEAD(_name, _type) \
    struct _name { struct _type *sqh_first; struct _type **sqh_last; }
#define QSIMPLEQ_ENTRY(_type) struct { struct _type *sqe_next; }
#define QSLIST_HEAD(_name, _type) struct _name { struct _type *slh_first; }
#define QSLIST_ENTRY(_type) struct { struct _type *sle_next; }

#endif
