/* <wchar.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_WCHAR_H
#define VMGEN_SHIM_WCHAR_H

#include <stddef.h>
typedef unsigned int wint_t;
typedef struct {
    int __count;
    unsigned int __value;
} mbstate_t;

#endif
