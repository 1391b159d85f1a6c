/* <termios.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_TERMIOS_H
#define VMGEN_SHIM_TERMIOS_H

#include <sys/types.h>
typedef unsigned char cc_t;
typedef unsigned int speed_t;
typedef unsigned int tcflag_t;
#define NCCS 32
struct termios {
    tcflag_t c_iflag;
    tcflag_t c_oflag;
    tcflag_t c_cflag;
    tcflag_t c_lflag;
    cc_t c_line;
    cc_t c_cc[NCCS];
    speed_t c_ispeed;
    speed_t c_ospeed;
};

#endif
