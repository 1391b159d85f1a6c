/* <sys/ioctl.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_IOCTL_H
#define VMGEN_SHIM_SYS_IOCTL_H

#include <linux/ioctl.h>
struct winsize {
    unsigned short int ws_row;
    unsigned short int ws_col;
    unsigned short int ws_xpixel;
    unsigned short int ws_ypixel;
};
#define TIOCGWINSZ 0x5413
#define TIOCMGET 0x5415
#define TIOCMSET 0x5418
#define FIONREAD 0x541b
#define FIONBIO 0x5421
#define TIOCM_DTR 0x002
#define TIOCM_RTS 0x004
#define TIOCM_CTS 0x020
#define TIOCM_CAR 0x040
#define TIOCM_RI 0x080
#define TIOCM_DSR 0x100
int ioctl(int, unsigned long int, ...);

#endif
