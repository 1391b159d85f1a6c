/* Linux USB devices: what a device asks about the host controller. */
#ifndef VMGEN_SHIM_LINUX_USBDEVICE_FS_H
#define VMGEN_SHIM_LINUX_USBDEVICE_FS_H

#include <linux/types.h>
#define USBDEVFS_CAP_ZERO_PACKET 0x01
#define USBDEVFS_CAP_BULK_CONTINUATION 0x02
#define USBDEVFS_CAP_NO_PACKET_SIZE_LIM 0x04
#define USBDEVFS_CAP_BULK_SCATTER_GATHER 0x08
#define USBDEVFS_GET_CAPABILITIES _IOR('U', 26, __u32)
#define USBDEVFS_GET_SPEED _IO('U', 31)

#endif
