/* GLib is one header here. */
#ifndef VMGEN_SHIM_GMODULE_H
#define VMGEN_SHIM_GMODULE_H

#include <glib.h>

#endif
