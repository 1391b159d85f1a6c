/* The same framework by its other name. */
#include <Hypervisor/hv.h>
