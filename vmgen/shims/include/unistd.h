/* <unistd.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_UNISTD_H
#define VMGEN_SHIM_UNISTD_H

#include <sys/types.h>
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0
#define _SC_PAGESIZE 30
#define _SC_PAGE_SIZE 30
#define _SC_NPROCESSORS_CONF 83
#define _SC_NPROCESSORS_ONLN 84
#define _SC_PHYS_PAGES 85
#define _SC_OPEN_MAX 4
#define _SC_CLK_TCK 2
#define _SC_IOV_MAX 60
#define _POSIX_VERSION 200809L
ssize_t read(int, void *, size_t);
ssize_t write(int, const void *, size_t);
ssize_t pread(int, void *, size_t, off_t);
ssize_t pwrite(int, const void *, size_t, off_t);
off_t lseek(int, off_t, int);
int close(int);
long int sysconf(int);
pid_t getpid(void);

#endif
