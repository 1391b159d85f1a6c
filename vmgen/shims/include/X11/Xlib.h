/* X11/Xlib.h: names of its types, all pointers or integers of the host. */
#ifndef VMGEN_SHIM_X11_XLIB_H
#define VMGEN_SHIM_X11_XLIB_H

typedef unsigned long XID;
typedef XID Window;
typedef struct _XDisplay Display;

#endif
