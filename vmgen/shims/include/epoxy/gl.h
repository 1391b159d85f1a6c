/* OpenGL: the scalar types, and the constants that display code names. */
#ifndef VMGEN_SHIM_EPOXY_GL_H
#define VMGEN_SHIM_EPOXY_GL_H

typedef unsigned int GLenum;
typedef unsigned int GLbitfield;
typedef unsigned int GLuint;
typedef int GLint;
typedef int GLsizei;
typedef unsigned char GLboolean;
typedef unsigned char GLubyte;
typedef signed char GLbyte;
typedef short GLshort;
typedef unsigned short GLushort;
typedef float GLfloat;
typedef float GLclampf;
typedef double GLdouble;
typedef char GLchar;
typedef void GLvoid;
typedef long GLintptr;
typedef long GLsizeiptr;
typedef unsigned long GLuint64;
typedef struct __GLsync *GLsync;
typedef void *GLeglImageOES;
#define GL_FALSE 0
#define GL_TRUE 1
#define GL_UNSIGNED_BYTE 0x1401
#define GL_UNSIGNED_SHORT_5_6_5 0x8363
#define GL_RGB 0x1907
#define GL_RGBA 0x1908
#define GL_BGRA 0x80e1
#define GL_BGRA_EXT 0x80e1
#define GL_TEXTURE_2D 0x0de1

#endif
