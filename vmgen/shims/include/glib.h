/*
 * GLib for sources that embed its public structs or use its macros: types with the layout
 * they have on x86-64 Linux, and macros that keep a function body readable.
 */
#ifndef VMGEN_SHIM_GLIB_H
#define VMGEN_SHIM_GLIB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <float.h>
#include <math.h>
#include <time.h>
#include <string.h>
#include <stdlib.h>

/* Version: new enough for every release that is read. */
#define GLIB_MAJOR_VERSION 2
#define GLIB_MINOR_VERSION 74
#define GLIB_MICRO_VERSION 6
#define GLIB_CHECK_VERSION(major, minor, micro) \
    (GLIB_MAJOR_VERSION > (major) || \
     (GLIB_MAJOR_VERSION == (major) && GLIB_MINOR_VERSION > (minor)) || \
     (GLIB_MAJOR_VERSION == (major) && GLIB_MINOR_VERSION == (minor) && \
      GLIB_MICRO_VERSION >= (micro)))
#define G_ENCODE_VERSION(major, minor) ((major) << 16 | (minor) << 8)
#define GLIB_VERSION_2_40 G_ENCODE_VERSION(2, 40)
#define GLIB_VERSION_2_44 G_ENCODE_VERSION(2, 44)
#define GLIB_VERSION_2_48 G_ENCODE_VERSION(2, 48)
#define GLIB_VERSION_2_56 G_ENCODE_VERSION(2, 56)
#define GLIB_VERSION_2_58 G_ENCODE_VERSION(2, 58)
#define GLIB_VERSION_2_62 G_ENCODE_VERSION(2, 62)
#define GLIB_VERSION_2_66 G_ENCODE_VERSION(2, 66)
#define GLIB_VERSION_2_68 G_ENCODE_VERSION(2, 68)
#define GLIB_VERSION_2_72 G_ENCODE_VERSION(2, 72)

/* Scalars. */
typedef char gchar;
typedef short gshort;
typedef int gint;
typedef long glong;
typedef int gboolean;
typedef unsigned char guchar;
typedef unsigned short gushort;
typedef unsigned int guint;
typedef unsigned long gulong;
typedef float gfloat;
typedef double gdouble;
typedef signed char gint8;
typedef unsigned char guint8;
typedef short gint16;
typedef unsigned short guint16;
typedef int gint32;
typedef unsigned int guint32;
typedef long gint64;
typedef unsigned long guint64;
typedef long gssize;
typedef unsigned long gsize;
typedef long goffset;
typedef long gintptr;
typedef unsigned long guintptr;
typedef void *gpointer;
typedef const void *gconstpointer;
typedef guint32 GQuark;
typedef guint32 gunichar;
typedef guint16 gunichar2;
typedef int GPid;
typedef gint64 GTimeSpan;
typedef gint GTime;
typedef gchar **GStrv;

#define TRUE 1
#define FALSE 0
#define G_MININT8 ((gint8)-128)
#define G_MAXINT8 ((gint8)127)
#define G_MAXUINT8 ((guint8)255)
#define G_MININT16 ((gint16)-32768)
#define G_MAXINT16 ((gint16)32767)
#define G_MAXUINT16 ((guint16)65535)
#define G_MININT32 ((gint32)-2147483647 - 1)
#define G_MAXINT32 ((gint32)2147483647)
#define G_MAXUINT32 ((guint32)4294967295U)
#define G_MININT64 INT64_MIN
#define G_MAXINT64 INT64_MAX
#define G_MAXUINT64 UINT64_MAX
#define G_MININT INT_MIN
#define G_MAXINT INT_MAX
#define G_MAXUINT UINT_MAX
#define G_MINLONG LONG_MIN
#define G_MAXLONG LONG_MAX
#define G_MAXULONG ULONG_MAX
#define G_MAXSIZE SIZE_MAX
#define G_MAXSSIZE SSIZE_MAX
#define G_MINOFFSET INT64_MIN
#define G_MAXOFFSET INT64_MAX
#define G_GINT64_CONSTANT(value) value##L
#define G_GUINT64_CONSTANT(value) value##UL
#define G_GINT16_FORMAT "hi"
#define G_GUINT16_FORMAT "hu"
#define G_GINT32_FORMAT "i"
#define G_GUINT32_FORMAT "u"
#define G_GINT64_FORMAT "li"
#define G_GUINT64_FORMAT "lu"
#define G_GINT64_MODIFIER "l"
#define G_GSIZE_FORMAT "lu"
#define G_GSSIZE_FORMAT "li"
#define G_GUINTPTR_FORMAT "lu"
#define G_GSIZE_MODIFIER "l"
#define GLIB_SIZEOF_VOID_P 8
#define GLIB_SIZEOF_LONG 8
#define GLIB_SIZEOF_SIZE_T 8
#define G_LITTLE_ENDIAN 1234
#define G_BIG_ENDIAN 4321
#define G_BYTE_ORDER G_LITTLE_ENDIAN
#define G_OS_UNIX 1
#define G_DIR_SEPARATOR '/'
#define G_DIR_SEPARATOR_S "/"
#define G_SEARCHPATH_SEPARATOR ':'
#define G_SEARCHPATH_SEPARATOR_S ":"
#define G_MODULE_SUFFIX "so"
#define G_E 2.7182818284590452354
#define G_PI 3.1415926535897932385
#define G_LN2 0.69314718055994530942

/* Macros of the language level. */
#define G_BEGIN_DECLS
#define G_END_DECLS
#define G_STMT_START do
#define G_STMT_END while (0)
#define G_NORETURN __attribute__((__noreturn__))
#define G_GNUC_NORETURN __attribute__((__noreturn__))
#define G_GNUC_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#define G_GNUC_SCANF(format, first) __attribute__((__format__(__scanf__, format, first)))
#define G_GNUC_FORMAT(argument) __attribute__((__format_arg__(argument)))
#define G_GNUC_NULL_TERMINATED __attribute__((__sentinel__))
#define G_GNUC_UNUSED __attribute__((__unused__))
#define G_GNUC_CONST __attribute__((__const__))
#define G_GNUC_PURE __attribute__((__pure__))
#define G_GNUC_MALLOC __attribute__((__malloc__))
#define G_GNUC_DEPRECATED __attribute__((__deprecated__))
#define G_GNUC_DEPRECATED_FOR(other) __attribute__((__deprecated__))
#define G_GNUC_WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define G_GNUC_MAY_ALIAS __attribute__((__may_alias__))
#define G_GNUC_INTERNAL __attribute__((__visibility__("hidden")))
#define G_GNUC_FALLTHROUGH __attribute__((__fallthrough__))
#define G_GNUC_FUNCTION __func__
#define G_GNUC_EXTENSION __extension__
#define G_GNUC_CHECK_VERSION(major, minor) 1
#define G_GNUC_BEGIN_IGNORE_DEPRECATIONS
#define G_GNUC_END_IGNORE_DEPRECATIONS
#define G_INLINE_FUNC static inline
#define G_UNAVAILABLE(major, minor)
#define G_DEPRECATED
#define G_DEPRECATED_FOR(other)
#define G_STRFUNC ((const char *)(__func__))
#define G_STRINGIFY(text) G_STRINGIFY_ARG(text)
#define G_STRINGIFY_ARG(text) #text
#define G_PASTE_ARGS(left, right) left##right
#define G_PASTE(left, right) G_PASTE_ARGS(left, right)
#define G_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#define G_STATIC_ASSERT_EXPR(condition) ((void)sizeof(char[(condition) ? 1 : -1]))
#define G_LIKELY(condition) (condition)
#define G_UNLIKELY(condition) (condition)
#define G_N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define G_STRUCT_OFFSET(type, member) ((glong)offsetof(type, member))
#define G_STRUCT_MEMBER_P(base, offset) ((gpointer)((guint8 *)(base) + (glong)(offset)))
#define G_STRUCT_MEMBER(type, base, offset) (*(type *)G_STRUCT_MEMBER_P((base), (offset)))
#define G_ALIGNOF(type) (__alignof__(type))
#ifndef MIN
#define MIN(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) (((a) > (b)) ? (a) : (b))
#endif
#define ABS(a) (((a) < 0) ? -(a) : (a))
#define CLAMP(x, low, high) (((x) > (high)) ? (high) : (((x) < (low)) ? (low) : (x)))
#define G_APPROX_VALUE(a, b, epsilon) (((a) > (b) ? (a) - (b) : (b) - (a)) < (epsilon))
#define GINT_TO_POINTER(value) ((gpointer)(glong)(value))
#define GUINT_TO_POINTER(value) ((gpointer)(gulong)(value))
#define GSIZE_TO_POINTER(value) ((gpointer)(gsize)(value))
#define GPOINTER_TO_INT(pointer) ((gint)(glong)(pointer))
#define GPOINTER_TO_UINT(pointer) ((guint)(gulong)(pointer))
#define GPOINTER_TO_SIZE(pointer) ((gsize)(pointer))
#define GUINT16_SWAP_LE_BE(value) __builtin_bswap16(value)
#define GUINT32_SWAP_LE_BE(value) __builtin_bswap32(value)
#define GUINT64_SWAP_LE_BE(value) __builtin_bswap64(value)
#define GUINT16_TO_LE(value) ((guint16)(value))
#define GUINT32_TO_LE(value) ((guint32)(value))
#define GUINT64_TO_LE(value) ((guint64)(value))
#define GUINT16_FROM_LE(value) ((guint16)(value))
#define GUINT32_FROM_LE(value) ((guint32)(value))
#define GUINT64_FROM_LE(value) ((guint64)(value))
#define GUINT16_TO_BE(value) __builtin_bswap16(value)
#define GUINT32_TO_BE(value) __builtin_bswap32(value)
#define GUINT64_TO_BE(value) __builtin_bswap64(value)
#define GUINT16_FROM_BE(value) __builtin_bswap16(value)
#define GUINT32_FROM_BE(value) __builtin_bswap32(value)
#define GUINT64_FROM_BE(value) __builtin_bswap64(value)

/* Automatic cleanup: what a declaration needs to keep its type. */
#define _GLIB_AUTOPTR_TYPENAME(type) type##_autoptr
#define _GLIB_AUTOPTR_FUNC_NAME(type) glib_autoptr_cleanup_##type
#define _GLIB_AUTO_FUNC_NAME(type) glib_auto_cleanup_##type
#define g_autofree __attribute__((__cleanup__(g_autoptr_cleanup_generic_gfree)))
#define g_auto(type) __attribute__((__cleanup__(glib_auto_cleanup_##type))) type
#define g_autoptr(type) __attribute__((__cleanup__(glib_autoptr_cleanup_##type))) type##_autoptr
#define g_autolist(type) GList *
#define g_autoslist(type) GSList *
#define g_autoqueue(type) GQueue *
/* Only the names: what the cleanup does is of no interest, that it exists is. */
#define G_DEFINE_AUTOPTR_CLEANUP_FUNC(type, function) \
    typedef type *type##_autoptr; \
    void glib_autoptr_cleanup_##type(type **);
#define G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(type, function) void glib_auto_cleanup_##type(type *);
#define G_DEFINE_AUTO_CLEANUP_FREE_FUNC(type, function, none) \
    void glib_auto_cleanup_##type(type *);

/* Callbacks. */
typedef void (*GDestroyNotify)(gpointer data);
typedef void (*GFreeFunc)(gpointer data);
typedef void (*GFunc)(gpointer data, gpointer user_data);
typedef void (*GHFunc)(gpointer key, gpointer value, gpointer user_data);
typedef gboolean (*GHRFunc)(gpointer key, gpointer value, gpointer user_data);
typedef guint (*GHashFunc)(gconstpointer key);
typedef gboolean (*GEqualFunc)(gconstpointer a, gconstpointer b);
typedef gint (*GCompareFunc)(gconstpointer a, gconstpointer b);
typedef gint (*GCompareDataFunc)(gconstpointer a, gconstpointer b, gpointer user_data);
typedef gpointer (*GCopyFunc)(gconstpointer source, gpointer data);
typedef gboolean (*GSourceFunc)(gpointer user_data);
typedef void (*GVoidFunc)(void);
typedef gpointer (*GThreadFunc)(gpointer data);
typedef gboolean (*GTraverseFunc)(gpointer key, gpointer value, gpointer data);
typedef void (*GChildWatchFunc)(GPid pid, gint status, gpointer user_data);
typedef void (*GSpawnChildSetupFunc)(gpointer user_data);

/* Containers. */
typedef struct _GArray {
    gchar *data;
    guint len;
} GArray;
typedef struct _GByteArray {
    guint8 *data;
    guint len;
} GByteArray;
typedef struct _GPtrArray {
    gpointer *pdata;
    guint len;
} GPtrArray;
typedef struct _GString {
    gchar *str;
    gsize len;
    gsize allocated_len;
} GString;
typedef struct _GList GList;
struct _GList {
    gpointer data;
    GList *next;
    GList *prev;
};
typedef struct _GSList GSList;
struct _GSList {
    gpointer data;
    GSList *next;
};
typedef struct _GQueue {
    GList *head;
    GList *tail;
    guint length;
} GQueue;
typedef struct _GHashTable GHashTable;
typedef struct _GHashTableIter {
    gpointer dummy1;
    gpointer dummy2;
    gpointer dummy3;
    int dummy4;
    gboolean dummy5;
    gpointer dummy6;
} GHashTableIter;
typedef struct _GTree GTree;
typedef struct _GTreeNode GTreeNode;
typedef gboolean (*GTraverseNodeFunc)(GTreeNode *node, gpointer data);
typedef struct _GNode GNode;
typedef struct _GSequence GSequence;
typedef struct _GSequenceIter GSequenceIter;
typedef struct _GBytes GBytes;
typedef struct _GAsyncQueue GAsyncQueue;
typedef struct _GError {
    GQuark domain;
    gint code;
    gchar *message;
} GError;

/* Threads. */
typedef union _GMutex {
    gpointer p;
    guint i[2];
} GMutex;
typedef struct _GRWLock {
    gpointer p;
    guint i[2];
} GRWLock;
typedef struct _GRecMutex {
    gpointer p;
    guint i[2];
} GRecMutex;
typedef struct _GCond {
    gpointer p;
    guint i[2];
} GCond;
typedef struct _GPrivate {
    gpointer p;
    GDestroyNotify notify;
    gpointer future[2];
} GPrivate;
typedef enum {
    G_ONCE_STATUS_NOTCALLED,
    G_ONCE_STATUS_PROGRESS,
    G_ONCE_STATUS_READY
} GOnceStatus;
typedef struct _GOnce {
    volatile GOnceStatus status;
    volatile gpointer retval;
} GOnce;
#define G_ONCE_INIT { G_ONCE_STATUS_NOTCALLED, NULL }
typedef struct _GThread GThread;
typedef struct _GThreadPool GThreadPool;

/* Main loop and input/output. */
typedef enum {
    G_IO_IN = 1,
    G_IO_PRI = 2,
    G_IO_OUT = 4,
    G_IO_ERR = 8,
    G_IO_HUP = 16,
    G_IO_NVAL = 32
} GIOCondition;
typedef enum {
    G_IO_STATUS_ERROR,
    G_IO_STATUS_NORMAL,
    G_IO_STATUS_EOF,
    G_IO_STATUS_AGAIN
} GIOStatus;
typedef enum {
    G_IO_FLAG_APPEND = 1,
    G_IO_FLAG_NONBLOCK = 2
} GIOFlags;
typedef enum {
    G_SEEK_CUR,
    G_SEEK_SET,
    G_SEEK_END
} GSeekType;
typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;
typedef struct _GIOChannel GIOChannel;
typedef struct _GSource GSource;
typedef struct _GSourcePrivate GSourcePrivate;
typedef struct _GSourceCallbackFuncs GSourceCallbackFuncs;
typedef struct _GSourceFuncs GSourceFuncs;
typedef struct _GPollFD {
    gint fd;
    gushort events;
    gushort revents;
} GPollFD;
typedef gint (*GPollFunc)(GPollFD *fds, guint count, gint timeout);
struct _GSourceFuncs {
    gboolean (*prepare)(GSource *source, gint *timeout);
    gboolean (*check)(GSource *source);
    gboolean (*dispatch)(GSource *source, GSourceFunc callback, gpointer user_data);
    void (*finalize)(GSource *source);
    GSourceFunc closure_callback;
    GVoidFunc closure_marshal;
};
struct _GSource {
    gpointer callback_data;
    GSourceCallbackFuncs *callback_funcs;
    const GSourceFuncs *source_funcs;
    guint ref_count;
    GMainContext *context;
    gint priority;
    guint flags;
    guint source_id;
    GSList *poll_fds;
    GSource *prev;
    GSource *next;
    char *name;
    GSourcePrivate *priv;
};
typedef gboolean (*GIOFunc)(GIOChannel *source, GIOCondition condition, gpointer data);
typedef gboolean (*GUnixFDSourceFunc)(gint fd, GIOCondition condition, gpointer user_data);
#define G_PRIORITY_HIGH -100
#define G_PRIORITY_DEFAULT 0
#define G_PRIORITY_HIGH_IDLE 100
#define G_PRIORITY_DEFAULT_IDLE 200
#define G_PRIORITY_LOW 300
#define G_SOURCE_REMOVE FALSE
#define G_SOURCE_CONTINUE TRUE
#define G_USEC_PER_SEC 1000000
#define G_TIME_SPAN_SECOND 1000000L
#define G_TIME_SPAN_MILLISECOND 1000L

/* Other opaque things. */
typedef struct _GRand GRand;
typedef struct _GTimer GTimer;
typedef struct _GDir GDir;
typedef struct _GDate GDate;
typedef struct _GDateTime GDateTime;
typedef struct _GTimeZone GTimeZone;
typedef struct _GKeyFile GKeyFile;
typedef struct _GMappedFile GMappedFile;
typedef struct _GPatternSpec GPatternSpec;
typedef struct _GRegex GRegex;
typedef struct _GMatchInfo GMatchInfo;
typedef struct _GChecksum GChecksum;
typedef struct _GVariant GVariant;
typedef struct _GVariantBuilder GVariantBuilder;
typedef struct _GOptionContext GOptionContext;
typedef struct _GOptionGroup GOptionGroup;
typedef struct _GModule GModule;
typedef struct _GUri GUri;
typedef struct _GTestCase GTestCase;
typedef struct _GTestSuite GTestSuite;
typedef struct _GTimeVal {
    glong tv_sec;
    glong tv_usec;
} GTimeVal;
typedef struct _GOptionEntry {
    const gchar *long_name;
    gchar short_name;
    gint flags;
    gint arg;
    gpointer arg_data;
    const gchar *description;
    const gchar *arg_description;
} GOptionEntry;
typedef enum {
    G_LOG_FLAG_RECURSION = 1,
    G_LOG_FLAG_FATAL = 2,
    G_LOG_LEVEL_ERROR = 4,
    G_LOG_LEVEL_CRITICAL = 8,
    G_LOG_LEVEL_WARNING = 16,
    G_LOG_LEVEL_MESSAGE = 32,
    G_LOG_LEVEL_INFO = 64,
    G_LOG_LEVEL_DEBUG = 128,
    G_LOG_LEVEL_MASK = -4
} GLogLevelFlags;
typedef void (*GLogFunc)(const gchar *domain, GLogLevelFlags level, const gchar *message,
                         gpointer user_data);
typedef enum {
    G_FILE_TEST_IS_REGULAR = 1,
    G_FILE_TEST_IS_SYMLINK = 2,
    G_FILE_TEST_IS_DIR = 4,
    G_FILE_TEST_IS_EXECUTABLE = 8,
    G_FILE_TEST_EXISTS = 16
} GFileTest;
typedef enum {
    G_CHECKSUM_MD5,
    G_CHECKSUM_SHA1,
    G_CHECKSUM_SHA256,
    G_CHECKSUM_SHA512,
    G_CHECKSUM_SHA384
} GChecksumType;
typedef enum {
    G_SPAWN_DEFAULT = 0,
    G_SPAWN_LEAVE_DESCRIPTORS_OPEN = 1,
    G_SPAWN_DO_NOT_REAP_CHILD = 2,
    G_SPAWN_SEARCH_PATH = 4
} GSpawnFlags;
#ifndef G_LOG_DOMAIN
#define G_LOG_DOMAIN ((gchar *)0)
#endif

/* Assertions end in the same call as assert(), so that a predicate reads the same way. */
#include <assert.h>
#define g_assert(condition) assert(condition)
#define g_assert_not_reached() __assert_fail("not reached")
#define g_assert_true(condition) assert(condition)
#define g_assert_false(condition) assert(!(condition))
#define g_assert_null(pointer) assert((pointer) == NULL)
#define g_assert_nonnull(pointer) assert((pointer) != NULL)
#define g_assert_cmpint(a, operator, b) assert((a)operator(b))
#define g_assert_cmpuint(a, operator, b) assert((a)operator(b))
#define g_assert_cmphex(a, operator, b) assert((a)operator(b))
#define g_assert_cmpstr(a, operator, b) assert(g_strcmp0(a, b) operator 0)
#define g_assert_no_error(error) assert(!(error))
#define g_assert_cmpmem(a, a_size, b, b_size) \
    assert((a_size) == (b_size) && memcmp(a, b, a_size) == 0)
#define g_return_if_fail(condition) assert(condition)
#define g_return_val_if_fail(condition, value) assert(condition)
#define g_return_if_reached() return
#define g_return_val_if_reached(value) return (value)
#define g_warn_if_reached() ((void)0)
#define g_warn_if_fail(condition) ((void)(condition))

/* Allocation. */
void *g_malloc(gsize);
void *g_malloc0(gsize);
void *g_malloc_n(gsize, gsize);
void *g_malloc0_n(gsize, gsize);
void *g_realloc(gpointer, gsize);
void *g_realloc_n(gpointer, gsize, gsize);
void *g_try_malloc(gsize);
void *g_try_malloc0(gsize);
void *g_try_malloc_n(gsize, gsize);
void *g_try_malloc0_n(gsize, gsize);
void *g_try_realloc(gpointer, gsize);
void g_free(gpointer);
gpointer g_memdup(gconstpointer, guint);
gpointer g_memdup2(gconstpointer, gsize);
#define g_new(type, count) ((type *)g_malloc_n((count), sizeof(type)))
#define g_new0(type, count) ((type *)g_malloc0_n((count), sizeof(type)))
#define g_renew(type, memory, count) ((type *)g_realloc_n((memory), (count), sizeof(type)))
#define g_try_new(type, count) ((type *)g_try_malloc_n((count), sizeof(type)))
#define g_try_new0(type, count) ((type *)g_try_malloc0_n((count), sizeof(type)))
#define g_try_renew(type, memory, count) ((type *)g_try_realloc((memory), (count) * sizeof(type)))
#define g_alloca(size) __builtin_alloca(size)
#define g_newa(type, count) ((type *)__builtin_alloca(sizeof(type) * (count)))
#define g_slice_new(type) ((type *)g_malloc(sizeof(type)))
#define g_slice_new0(type) ((type *)g_malloc0(sizeof(type)))
#define g_slice_free(type, memory) g_free(memory)
#define g_steal_pointer(pointer) ((__typeof__(*(pointer)))(g_steal_pointer)(pointer))
gpointer(g_steal_pointer)(gpointer);
#define g_clear_pointer(pointer, destroy) \
    do { \
        __typeof__(*(pointer)) __taken = *(pointer); \
        *(pointer) = NULL; \
        if (__taken) { \
            (destroy)(__taken); \
        } \
    } while (0)

/* Containers: the macros, and functions whose result is a pointer. */
GArray *g_array_new(gboolean, gboolean, guint);
GArray *g_array_sized_new(gboolean, gboolean, guint, guint);
GArray *g_array_append_vals(GArray *, gconstpointer, guint);
GArray *g_array_set_size(GArray *, guint);
GArray *g_array_remove_index(GArray *, guint);
GArray *g_array_remove_index_fast(GArray *, guint);
GArray *g_array_remove_range(GArray *, guint, guint);
GArray *g_array_prepend_vals(GArray *, gconstpointer, guint);
GArray *g_array_insert_vals(GArray *, guint, gconstpointer, guint);
gchar *g_array_free(GArray *, gboolean);
#define g_array_index(array, type, index) (((type *)(void *)(array)->data)[(index)])
#define g_array_append_val(array, value) g_array_append_vals(array, &(value), 1)
#define g_array_prepend_val(array, value) g_array_prepend_vals(array, &(value), 1)
#define g_array_insert_val(array, index, value) g_array_insert_vals(array, index, &(value), 1)
GPtrArray *g_ptr_array_new(void);
GPtrArray *g_ptr_array_sized_new(guint);
GPtrArray *g_ptr_array_new_with_free_func(GDestroyNotify);
gpointer *g_ptr_array_free(GPtrArray *, gboolean);
#define g_ptr_array_index(array, index) ((array)->pdata)[index]
GByteArray *g_byte_array_new(void);
GByteArray *g_byte_array_sized_new(guint);
GByteArray *g_byte_array_append(GByteArray *, const guint8 *, guint);
GByteArray *g_byte_array_set_size(GByteArray *, guint);
guint8 *g_byte_array_free(GByteArray *, gboolean);
GString *g_string_new(const gchar *);
GString *g_string_sized_new(gsize);
gchar *g_string_free(GString *, gboolean);
GString *g_string_append(GString *, const gchar *);
GList *g_list_append(GList *, gpointer);
GList *g_list_prepend(GList *, gpointer);
GList *g_list_remove(GList *, gconstpointer);
GList *g_list_delete_link(GList *, GList *);
GList *g_list_first(GList *);
GList *g_list_last(GList *);
GList *g_list_find(GList *, gconstpointer);
GList *g_list_find_custom(GList *, gconstpointer, GCompareFunc);
GList *g_list_sort(GList *, GCompareFunc);
GList *g_list_copy(GList *);
void g_list_free(GList *);
#define g_list_next(list) ((list) ? (((GList *)(list))->next) : NULL)
#define g_list_previous(list) ((list) ? (((GList *)(list))->prev) : NULL)
GSList *g_slist_append(GSList *, gpointer);
GSList *g_slist_prepend(GSList *, gpointer);
GSList *g_slist_remove(GSList *, gconstpointer);
GSList *g_slist_delete_link(GSList *, GSList *);
GSList *g_slist_find_custom(GSList *, gconstpointer, GCompareFunc);
GSList *g_slist_sort(GSList *, GCompareFunc);
GSList *g_slist_reverse(GSList *);
GSList *g_slist_concat(GSList *, GSList *);
GSList *g_slist_copy(GSList *);
void g_slist_free(GSList *);
#define g_slist_next(list) ((list) ? (((GSList *)(list))->next) : NULL)
GHashTable *g_hash_table_new(GHashFunc, GEqualFunc);
GHashTable *g_hash_table_new_full(GHashFunc, GEqualFunc, GDestroyNotify, GDestroyNotify);
gpointer g_hash_table_lookup(GHashTable *, gconstpointer);
GList *g_hash_table_get_keys(GHashTable *);
GList *g_hash_table_get_values(GHashTable *);
guint g_hash_table_size(GHashTable *);
guint g_direct_hash(gconstpointer);
guint g_int_hash(gconstpointer);
guint g_int64_hash(gconstpointer);
guint g_str_hash(gconstpointer);
gboolean g_direct_equal(gconstpointer, gconstpointer);
gboolean g_int_equal(gconstpointer, gconstpointer);
gboolean g_int64_equal(gconstpointer, gconstpointer);
gboolean(g_str_equal)(gconstpointer, gconstpointer);
#define g_hash_table_thaw(table)
GTree *g_tree_new(GCompareFunc);
GTree *g_tree_new_with_data(GCompareDataFunc, gpointer);
GTree *g_tree_new_full(GCompareDataFunc, gpointer, GDestroyNotify, GDestroyNotify);
gpointer g_tree_lookup(GTree *, gconstpointer);
gpointer g_tree_search(GTree *, GCompareFunc, gconstpointer);
gint g_tree_nnodes(GTree *);
GQueue *g_queue_new(void);
gpointer g_queue_pop_head(GQueue *);
gpointer g_queue_peek_head(GQueue *);

/* Text. */
gchar *g_strdup(const gchar *);
gchar *g_strndup(const gchar *, gsize);
gchar *g_strdup_printf(const gchar *, ...);
gchar *g_strdup_vprintf(const gchar *, va_list);
gchar *g_strconcat(const gchar *, ...);
gchar *g_strjoin(const gchar *, ...);
gchar *g_strjoinv(const gchar *, gchar **);
gchar **g_strsplit(const gchar *, const gchar *, gint);
gchar *g_strstr_len(const gchar *, gssize, const gchar *);
gchar *g_strrstr(const gchar *, const gchar *);
gchar *g_strchomp(gchar *);
gchar *g_strchug(gchar *);
gchar *g_build_filename(const gchar *, ...);
gchar *g_build_path(const gchar *, const gchar *, ...);
gchar *g_path_get_basename(const gchar *);
gchar *g_path_get_dirname(const gchar *);
gchar *g_base64_encode(const guchar *, gsize);
guchar *g_base64_decode(const gchar *, gsize *);
guint8 *g_base64_decode_inplace(gchar *, gsize *);
gchar *g_ascii_strdown(const gchar *, gssize);
gchar *g_ascii_strup(const gchar *, gssize);
gchar *g_hostname_to_ascii(const gchar *);
const gchar *g_strerror(gint);
const gchar *g_getenv(const gchar *);
const gchar *g_get_tmp_dir(void);
const gchar *g_get_user_name(void);
const gchar *g_get_prgname(void);
int g_strcmp0(const char *, const char *);
gint64 g_get_monotonic_time(void);
gint64 g_get_real_time(void);
guint64 g_ascii_strtoull(const gchar *, gchar **, guint);
gint64 g_ascii_strtoll(const gchar *, gchar **, guint);
gdouble g_ascii_strtod(const gchar *, gchar **);
void g_autoptr_cleanup_generic_gfree(void *);
#define g_strstrip(text) g_strchomp(g_strchug(text))
#define g_ascii_isspace(c) __vmgen_ascii_is(c)
#define g_ascii_isalpha(c) __vmgen_ascii_is(c)
#define g_ascii_isdigit(c) __vmgen_ascii_is(c)
#define g_ascii_isalnum(c) __vmgen_ascii_is(c)
#define g_ascii_isprint(c) __vmgen_ascii_is(c)
gboolean __vmgen_ascii_is(gchar);
#define g_strfreev(strings) (g_strfreev)(strings)
void(g_strfreev)(gchar **);
#define G_STR_DELIMITERS "_-|> <."

/* Messages. */
#define g_error(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_ERROR, __VA_ARGS__)
#define g_critical(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, __VA_ARGS__)
#define g_warning(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, __VA_ARGS__)
#define g_message(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, __VA_ARGS__)
#define g_info(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, __VA_ARGS__)
#define g_debug(...) g_log(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Threads and atomics. */
GThread *g_thread_new(const gchar *, GThreadFunc, gpointer);
GThread *g_thread_self(void);
gpointer g_thread_join(GThread *);
gpointer g_private_get(GPrivate *);
#define G_PRIVATE_INIT(notify) { NULL, (notify), { NULL, NULL } }
#define g_once(once, function, argument) __vmgen_once(once, (GThreadFunc)(function), argument)
gpointer __vmgen_once(GOnce *, GThreadFunc, gpointer);
#define g_once_init_enter(location) __vmgen_once_enter((void *)(location))
#define g_once_init_leave(location, result) __vmgen_once_leave((void *)(location), (gsize)(result))
gboolean __vmgen_once_enter(void *);
void __vmgen_once_leave(void *, gsize);
#define g_atomic_int_get(atomic) (*(atomic))
#define g_atomic_int_set(atomic, value) ((void)(*(atomic) = (value)))
#define g_atomic_int_inc(atomic) ((void)__sync_fetch_and_add((atomic), 1))
#define g_atomic_int_dec_and_test(atomic) (__sync_fetch_and_sub((atomic), 1) == 1)
#define g_atomic_int_add(atomic, value) ((gint)__sync_fetch_and_add((atomic), (value)))
#define g_atomic_pointer_get(atomic) (*(atomic))
#define g_atomic_pointer_set(atomic, value) ((void)(*(atomic) = (value)))

/* Main loop: what is called on a pointer result. */
GMainContext *g_main_context_default(void);
GMainContext *g_main_context_new(void);
GMainContext *g_main_context_ref(GMainContext *);
GMainContext *g_main_context_get_thread_default(void);
GMainLoop *g_main_loop_new(GMainContext *, gboolean);
GSource *g_source_new(GSourceFuncs *, guint);
GSource *g_source_ref(GSource *);
GSource *g_idle_source_new(void);
GSource *g_timeout_source_new(guint);
GSource *g_main_current_source(void);
GIOChannel *g_io_channel_unix_new(int);
GRand *g_rand_new(void);
GRand *g_rand_new_with_seed(guint32);
GKeyFile *g_key_file_new(void);
GDateTime *g_date_time_new_now_local(void);
GDateTime *g_date_time_new_now_utc(void);
GError *g_error_copy(const GError *);
GError *g_error_new(GQuark, gint, const gchar *, ...);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GArray, g_array_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GByteArray, g_byte_array_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GPtrArray, g_ptr_array_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GBytes, g_bytes_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDir, g_dir_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GDateTime, g_date_time_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GTimeZone, g_time_zone_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GError, g_error_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GHashTable, g_hash_table_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GIOChannel, g_io_channel_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GKeyFile, g_key_file_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GList, g_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GSList, g_slist_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMainContext, g_main_context_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMainLoop, g_main_loop_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GSource, g_source_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMappedFile, g_mapped_file_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GRand, g_rand_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GString, g_string_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GThread, g_thread_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GTimer, g_timer_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GTree, g_tree_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GRegex, g_regex_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMatchInfo, g_match_info_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GUri, g_uri_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GVariant, g_variant_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GChecksum, g_checksum_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GPatternSpec, g_pattern_spec_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GQueue, g_queue_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GOptionContext, g_option_context_free)
typedef GMutex GMutexLocker;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMutexLocker, g_mutex_locker_free)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(GStrv, g_strfreev, NULL)

#endif
