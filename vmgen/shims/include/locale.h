/* <locale.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LOCALE_H
#define VMGEN_SHIM_LOCALE_H

#define LC_ALL 6
#define LC_NUMERIC 1
#define LC_TIME 2
#define LC_MESSAGES 5

#endif
