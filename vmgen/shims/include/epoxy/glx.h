/* epoxy/glx.h: names of its types. */
#ifndef VMGEN_SHIM_EPOXY_GLX_H
#define VMGEN_SHIM_EPOXY_GLX_H

#include <X11/Xlib.h>
#include <epoxy/gl.h>

typedef struct __GLXFBConfigRec *GLXFBConfig;
typedef struct __GLXcontextRec *GLXContext;
typedef XID GLXDrawable;
typedef XID GLXPbuffer;

#endif
