/* <pty.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_PTY_H
#define VMGEN_SHIM_PTY_H

#include <termios.h>
#include <sys/ioctl.h>

#endif
