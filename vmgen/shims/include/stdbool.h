/* <stdbool.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_STDBOOL_H
#define VMGEN_SHIM_STDBOOL_H

#define bool _Bool
#define true 1
#define false 0
#define __bool_true_false_are_defined 1

#endif
