/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_GSTDIO_H
#define VMGEN_SHIM_GLIB_GSTDIO_H

#include <glib.h>

#endif
