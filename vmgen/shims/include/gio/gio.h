/* GIO: everything is behind a pointer. */
#ifndef VMGEN_SHIM_GIO_GIO_H
#define VMGEN_SHIM_GIO_GIO_H

#include <glib.h>
typedef struct _GObject GObject;
typedef struct _GCancellable GCancellable;
typedef struct _GAsyncResult GAsyncResult;
typedef struct _GSocket GSocket;
typedef struct _GSocketConnection GSocketConnection;
typedef struct _GIOStream GIOStream;
typedef struct _GInputStream GInputStream;
typedef struct _GOutputStream GOutputStream;
typedef struct _GDataInputStream GDataInputStream;
typedef struct _GDataOutputStream GDataOutputStream;
typedef struct _GDBusConnection GDBusConnection;
typedef struct _GDBusProxy GDBusProxy;
typedef struct _GDBusMessage GDBusMessage;
typedef struct _GDBusMethodInvocation GDBusMethodInvocation;
typedef struct _GDBusObjectManagerServer GDBusObjectManagerServer;
typedef struct _GDBusObjectSkeleton GDBusObjectSkeleton;
typedef struct _GDBusInterfaceSkeleton GDBusInterfaceSkeleton;
typedef struct _GUnixFDList GUnixFDList;
typedef void (*GAsyncReadyCallback)(GObject *source, GAsyncResult *result, gpointer data);
#define G_DBUS_CONNECTION_FLAGS_NONE 0
#define G_DBUS_CALL_FLAGS_NONE 0
#define G_DBUS_CALL_FLAGS_NO_AUTO_START 1
#define G_DBUS_PROXY_FLAGS_NONE 0
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDBusConnection, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDBusProxy, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GInputStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GOutputStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDataInputStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDataOutputStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GUnixFDList, g_object_unref)

#endif
