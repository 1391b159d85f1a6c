/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_UNIX_H
#define VMGEN_SHIM_GLIB_UNIX_H

#include <glib.h>

#endif
