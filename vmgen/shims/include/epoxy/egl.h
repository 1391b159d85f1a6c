/* EGL: handles are pointers. */
#ifndef VMGEN_SHIM_EPOXY_EGL_H
#define VMGEN_SHIM_EPOXY_EGL_H

typedef unsigned int EGLBoolean;
typedef unsigned int EGLenum;
typedef int EGLint;
typedef void *EGLDisplay;
typedef void *EGLConfig;
typedef void *EGLSurface;
typedef void *EGLContext;
typedef void *EGLImage;
typedef void *EGLImageKHR;
typedef void *EGLSync;
typedef void *EGLSyncKHR;
typedef void *EGLClientBuffer;
typedef void *EGLNativeDisplayType;
typedef unsigned long EGLNativeWindowType;
typedef unsigned long EGLuint64KHR;
#define EGL_NO_CONTEXT ((EGLContext)0)
#define EGL_NO_DISPLAY ((EGLDisplay)0)
#define EGL_NO_SURFACE ((EGLSurface)0)
#define EGL_NO_IMAGE_KHR ((EGLImageKHR)0)
#define EGL_NO_SYNC_KHR ((EGLSyncKHR)0)

#endif
