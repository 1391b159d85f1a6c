/* <stdnoreturn.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_STDNORETURN_H
#define VMGEN_SHIM_STDNORETURN_H

#define noreturn _Noreturn

#endif
