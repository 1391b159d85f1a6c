/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_GPRINTF_H
#define VMGEN_SHIM_GLIB_GPRINTF_H

#include <glib.h>

#endif
