/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_GSTRFUNCS_H
#define VMGEN_SHIM_GLIB_GSTRFUNCS_H

#include <glib.h>

#endif
