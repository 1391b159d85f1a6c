/* GIO is one header here. */
#ifndef VMGEN_SHIM_GIO_GUNIXFDLIST_H
#define VMGEN_SHIM_GIO_GUNIXFDLIST_H

#include <gio/gio.h>

#endif
