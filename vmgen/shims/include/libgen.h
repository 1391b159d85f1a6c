/* <libgen.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LIBGEN_H
#define VMGEN_SHIM_LIBGEN_H

char *dirname(char *);
char *basename(char *);

#endif
