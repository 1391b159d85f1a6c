/* The packets of the USB redirection protocol, which devices embed by value. */
#ifndef VMGEN_SHIM_USBREDIRPROTO_H
#define VMGEN_SHIM_USBREDIRPROTO_H

#include <stdint.h>
struct usb_redir_hello_header {
    char version[64];
    uint32_t capabilities[0];
} __attribute__((packed));
struct usb_redir_device_connect_header {
    uint8_t speed;
    uint8_t device_class;
    uint8_t device_subclass;
    uint8_t device_protocol;
    uint16_t vendor_id;
    uint16_t product_id;
    uint16_t device_version_bcd;
} __attribute__((packed));
struct usb_redir_interface_info_header {
    uint32_t interface_count;
    uint8_t interface[32];
    uint8_t interface_class[32];
    uint8_t interface_subclass[32];
    uint8_t interface_protocol[32];
} __attribute__((packed));
struct usb_redir_ep_info_header {
    uint8_t type[32];
    uint8_t interval[32];
    uint8_t interface[32];
    uint16_t max_packet_size[32];
    uint32_t max_streams[32];
} __attribute__((packed));
struct usb_redir_set_configuration_header {
    uint8_t configuration;
} __attribute__((packed));
struct usb_redir_configuration_status_header {
    uint8_t status;
    uint8_t configuration;
} __attribute__((packed));
struct usb_redir_set_alt_setting_header {
    uint8_t interface;
    uint8_t alt;
} __attribute__((packed));
struct usb_redir_get_alt_setting_header {
    uint8_t interface;
} __attribute__((packed));
struct usb_redir_alt_setting_status_header {
    uint8_t status;
    uint8_t interface;
    uint8_t alt;
} __attribute__((packed));
struct usb_redir_start_iso_stream_header {
    uint8_t endpoint;
    uint8_t pkts_per_urb;
    uint8_t no_urbs;
} __attribute__((packed));
struct usb_redir_stop_iso_stream_header {
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_iso_stream_status_header {
    uint8_t status;
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_start_interrupt_receiving_header {
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_stop_interrupt_receiving_header {
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_interrupt_receiving_status_header {
    uint8_t status;
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_alloc_bulk_streams_header {
    uint32_t endpoints;
    uint32_t no_streams;
} __attribute__((packed));
struct usb_redir_free_bulk_streams_header {
    uint32_t endpoints;
} __attribute__((packed));
struct usb_redir_bulk_streams_status_header {
    uint32_t endpoints;
    uint32_t no_streams;
    uint8_t status;
} __attribute__((packed));
struct usb_redir_start_bulk_receiving_header {
    uint32_t stream_id;
    uint32_t bytes_per_transfer;
    uint8_t endpoint;
    uint8_t no_transfers;
} __attribute__((packed));
struct usb_redir_stop_bulk_receiving_header {
    uint32_t stream_id;
    uint8_t endpoint;
} __attribute__((packed));
struct usb_redir_bulk_receiving_status_header {
    uint32_t stream_id;
    uint8_t endpoint;
    uint8_t status;
} __attribute__((packed));
struct usb_redir_control_packet_header {
    uint8_t endpoint;
    uint8_t request;
    uint8_t requesttype;
    uint8_t status;
    uint16_t value;
    uint16_t index;
    uint16_t length;
} __attribute__((packed));
struct usb_redir_bulk_packet_header {
    uint8_t endpoint;
    uint8_t status;
    uint16_t length;
    uint32_t stream_id;
    uint16_t length_high;
} __attribute__((packed));
struct usb_redir_iso_packet_header {
    uint8_t endpoint;
    uint8_t status;
    uint16_t length;
} __attribute__((packed));
struct usb_redir_interrupt_packet_header {
    uint8_t endpoint;
    uint8_t status;
    uint16_t length;
} __attribute__((packed));
struct usb_redir_buffered_bulk_packet_header {
    uint32_t stream_id;
    uint32_t length;
    uint8_t endpoint;
    uint8_t status;
} __attribute__((packed));
enum {
    usb_redir_success,
    usb_redir_cancelled,
    usb_redir_inval,
    usb_redir_ioerror,
    usb_redir_stall,
    usb_redir_timeout,
    usb_redir_babble
};
enum {
    usb_redir_type_control,
    usb_redir_type_iso,
    usb_redir_type_bulk,
    usb_redir_type_interrupt,
    usb_redir_type_invalid = 255
};
enum {
    usb_redir_speed_low,
    usb_redir_speed_full,
    usb_redir_speed_high,
    usb_redir_speed_super,
    usb_redir_speed_unknown = 255
};
enum {
    usb_redir_cap_bulk_streams,
    usb_redir_cap_connect_device_version,
    usb_redir_cap_filter,
    usb_redir_cap_device_disconnect_ack,
    usb_redir_cap_ep_info_max_packet_size,
    usb_redir_cap_64bits_ids,
    usb_redir_cap_32bits_bulk_length,
    usb_redir_cap_bulk_receiving
};
#define USB_REDIR_CAPS_SIZE 1

#endif
