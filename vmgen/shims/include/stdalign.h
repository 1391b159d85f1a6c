/* <stdalign.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_STDALIGN_H
#define VMGEN_SHIM_STDALIGN_H

#define alignas _Alignas
#define alignof _Alignof

#endif
