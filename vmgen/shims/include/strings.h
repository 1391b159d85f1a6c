/* <strings.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_STRINGS_H
#define VMGEN_SHIM_STRINGS_H

#include <stddef.h>
int strcasecmp(const char *, const char *);
int strncasecmp(const char *, const char *, size_t);
int ffs(int);
int ffsl(long int);
int ffsll(long long int);

#endif
