/* libcacard is one header here. */
#ifndef VMGEN_SHIM_VSCARD_COMMON_H
#define VMGEN_SHIM_VSCARD_COMMON_H

#include <libcacard.h>

#endif
