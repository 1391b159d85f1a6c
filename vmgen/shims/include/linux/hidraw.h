/* Linux HID devices. */
#ifndef VMGEN_SHIM_LINUX_HIDRAW_H
#define VMGEN_SHIM_LINUX_HIDRAW_H

#include <linux/types.h>
#define HID_MAX_DESCRIPTOR_SIZE 4096
struct hidraw_report_descriptor {
    __u32 size;
    __u8 value[HID_MAX_DESCRIPTOR_SIZE];
};
struct hidraw_devinfo {
    __u32 bustype;
    __s16 vendor;
    __s16 product;
};
#define HIDIOCGRDESCSIZE _IOR('H', 0x01, int)
#define HIDIOCGRDESC _IOR('H', 0x02, struct hidraw_report_descriptor)
#define HIDIOCGRAWINFO _IOR('H', 0x03, struct hidraw_devinfo)

#endif
