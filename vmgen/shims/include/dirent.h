/* <dirent.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_DIRENT_H
#define VMGEN_SHIM_DIRENT_H

#include <sys/types.h>
typedef struct __dirstream DIR;
struct dirent {
    unsigned long int d_ino;
    long int d_off;
    unsigned short int d_reclen;
    unsigned char d_type;
    char d_name[256];
};
DIR *opendir(const char *);
struct dirent *readdir(DIR *);

#endif
