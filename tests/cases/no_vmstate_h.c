#include "qemu/osdep.h"

const VMStateDescription vmstate_uart = {
    .name = "uart",
    .version_id = 1,
};
