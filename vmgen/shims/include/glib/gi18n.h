/* GLib is one header here. */
#ifndef VMGEN_SHIM_GLIB_GI18N_H
#define VMGEN_SHIM_GLIB_GI18N_H

#include <glib.h>

#endif
