/* <iso646.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ISO646_H
#define VMGEN_SHIM_ISO646_H


#endif
