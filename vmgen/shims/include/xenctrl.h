/* Xen's control library as of 4.2: everything is behind a handle. */
#ifndef VMGEN_SHIM_XENCTRL_H
#define VMGEN_SHIM_XENCTRL_H

#include <stdint.h>
typedef struct xc_interface_core xc_interface;
typedef struct xenevtchn_handle xc_evtchn;
typedef struct xengntdev_handle xc_gnttab;
typedef int evtchn_port_or_error_t;
typedef uint16_t domid_t;
typedef uint16_t ioservid_t;
typedef uint32_t evtchn_port_t;
typedef unsigned long xen_pfn_t;
typedef uint32_t grant_ref_t;

#endif
