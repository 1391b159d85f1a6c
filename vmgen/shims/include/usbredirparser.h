/* usbredir: the parser is behind a pointer, its callbacks are members. */
#ifndef VMGEN_SHIM_USBREDIRPARSER_H
#define VMGEN_SHIM_USBREDIRPARSER_H

#include <usbredirproto.h>
struct usbredirparser {
    void *priv;
    void (*log_func)();
    int (*read_func)();
    int (*write_func)();
    void (*device_connect_func)();
    void (*device_disconnect_func)();
    void (*reset_func)();
    void (*interface_info_func)();
    void (*ep_info_func)();
    void (*set_configuration_func)();
    void (*get_configuration_func)();
    void (*configuration_status_func)();
    void (*set_alt_setting_func)();
    void (*get_alt_setting_func)();
    void (*alt_setting_status_func)();
    void (*start_iso_stream_func)();
    void (*stop_iso_stream_func)();
    void (*iso_stream_status_func)();
    void (*start_interrupt_receiving_func)();
    void (*stop_interrupt_receiving_func)();
    void (*interrupt_receiving_status_func)();
    void (*alloc_bulk_streams_func)();
    void (*free_bulk_streams_func)();
    void (*bulk_streams_status_func)();
    void (*cancel_data_packet_func)();
    void (*control_packet_func)();
    void (*bulk_packet_func)();
    void (*iso_packet_func)();
    void (*interrupt_packet_func)();
    void *(*alloc_lock_func)();
    void (*lock_func)();
    void (*unlock_func)();
    void (*free_lock_func)();
    void (*hello_func)();
    void (*filter_reject_func)();
    void (*filter_filter_func)();
    void (*device_disconnect_ack_func)();
    void (*start_bulk_receiving_func)();
    void (*stop_bulk_receiving_func)();
    void (*bulk_receiving_status_func)();
    void (*buffered_bulk_packet_func)();
};
enum {
    usbredirparser_none,
    usbredirparser_error,
    usbredirparser_warning,
    usbredirparser_info,
    usbredirparser_debug,
    usbredirparser_debug_data
};
enum {
    usbredirparser_fl_usb_host = 1,
    usbredirparser_fl_write_cb_owns_buffer = 2,
    usbredirparser_fl_no_hello = 4
};
struct usbredirparser *usbredirparser_create(void);

#endif
