/* libfdt is one header here. */
#ifndef VMGEN_SHIM_FDT_H
#define VMGEN_SHIM_FDT_H

#include <libfdt.h>

#endif
