/* <sys/wait.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_WAIT_H
#define VMGEN_SHIM_SYS_WAIT_H

#include <signal.h>
#include <sys/resource.h>
#define WNOHANG 1
#define WUNTRACED 2
#define WCOREFLAG 0x80
#define WEXITSTATUS(status) (((status) & 0xff00) >> 8)
#define WTERMSIG(status) ((status) & 0x7f)
#define WSTOPSIG(status) WEXITSTATUS(status)
#define WIFEXITED(status) (WTERMSIG(status) == 0)
#define WIFSIGNALED(status) (((signed char)(((status) & 0x7f) + 1) >> 1) > 0)
#define WIFSTOPPED(status) (((status) & 0xff) == 0x7f)
#define WCOREDUMP(status) ((status) & WCOREFLAG)

#endif
