/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_OBJECT_H
#define VMGEN_SHIM_GLIB_OBJECT_H

#include <glib.h>

#endif
