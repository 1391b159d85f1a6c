/* usbredir filter rules. */
#ifndef VMGEN_SHIM_USBREDIRFILTER_H
#define VMGEN_SHIM_USBREDIRFILTER_H

struct usbredirfilter_rule {
    int device_class;
    int vendor_id;
    int product_id;
    int device_version_bcd;
    int allow;
};
enum {
    usbredirfilter_fl_default_allow = 1,
    usbredirfilter_fl_dont_skip_non_boot_hid = 2
};

#endif
