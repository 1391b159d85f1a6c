/* <cpuid.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_CPUID_H
#define VMGEN_SHIM_CPUID_H

#define __cpuid(level, a, b, c, d) ((void)((level), (a), (b), (c), (d)))
#define __cpuid_count(level, count, a, b, c, d) ((void)((level), (count), (a), (b), (c), (d)))
unsigned int __get_cpuid_max(unsigned int, unsigned int *);

#endif
