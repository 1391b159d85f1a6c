/*
 * Is the processor emulated?  A question to the running QEMU, not to the CPU's state.
 */
#ifndef SYSTEM_TCG_H
#define SYSTEM_TCG_H

#include "qemu/types.h"

extern bool tcg_allowed;
#define tcg_enabled() (tcg_allowed)

#endif
