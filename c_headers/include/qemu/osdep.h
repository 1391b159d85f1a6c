/*
 * The first include of every QEMU source file; here it means the plain C types.
 */
#ifndef QEMU_OSDEP_H
#define QEMU_OSDEP_H

#include "qemu/types.h"

#endif
