/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_GMEM_H
#define VMGEN_SHIM_GLIB_GMEM_H

#include <glib.h>

#endif
