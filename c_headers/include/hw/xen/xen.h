/*
 * How Xen is involved: a question to the running QEMU, not to the CPU's state.
 */
#ifndef QEMU_HW_XEN_H
#define QEMU_HW_XEN_H

enum xen_mode {
    XEN_DISABLED = 0,
    XEN_ATTACH,  /* QEMU serves a guest of a Xen host */
    XEN_EMULATE, /* QEMU is the Xen host, on KVM */
};

extern enum xen_mode xen_mode;

#endif
