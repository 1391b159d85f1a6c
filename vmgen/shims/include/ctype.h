/* <ctype.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_CTYPE_H
#define VMGEN_SHIM_CTYPE_H

int isalnum(int);
int isalpha(int);
int iscntrl(int);
int isdigit(int);
int isgraph(int);
int islower(int);
int isprint(int);
int ispunct(int);
int isspace(int);
int isupper(int);
int isxdigit(int);
int isblank(int);
int isascii(int);
int tolower(int);
int toupper(int);

#endif
