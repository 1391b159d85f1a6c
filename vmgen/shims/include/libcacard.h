/* libcacard: everything is behind a pointer. */
#ifndef VMGEN_SHIM_LIBCACARD_H
#define VMGEN_SHIM_LIBCACARD_H

#include <stdint.h>
typedef struct VReaderStruct VReader;
typedef struct VCardStruct VCard;
typedef struct VEventStruct VEvent;
typedef struct VCardEmulOptionsStruct VCardEmulOptions;
typedef enum {
    VREADER_OK = 0,
    VREADER_NO_CARD,
    VREADER_OUT_OF_MEMORY
} VReaderStatus;
typedef enum {
    VCARD_EMUL_OK = 0,
    VCARD_EMUL_FAIL,
    VCARD_EMUL_INIT_ALREADY_INITED
} VCardEmulError;
typedef uint32_t reader_id_t;
#define MAX_ATR_LEN 40
#define VSCARD_UNDEFINED_READER_ID 0xffffffff
#define VSCARD_MINIMAL_READER_ID 0
#define VSCARD_MAGIC 0x56534344
typedef enum {
    VSC_SUCCESS = 0,
    VSC_GENERAL_ERROR = 1,
    VSC_CANNOT_ADD_MORE_READERS,
    VSC_CARD_ALREAY_INSERTED
} VSCErrorCode;
typedef enum {
    VSC_Init = 1,
    VSC_Error,
    VSC_ReaderAdd,
    VSC_ReaderRemove,
    VSC_ATR,
    VSC_CardRemove,
    VSC_APDU,
    VSC_Flush,
    VSC_FlushComplete
} VSCMsgType;
typedef struct VSCMsgHeader {
    uint32_t type;
    uint32_t reader_id;
    uint32_t length;
    uint8_t data[0];
} VSCMsgHeader;
typedef struct VSCMsgInit {
    uint32_t magic;
    uint32_t version;
    uint32_t capabilities[1];
} VSCMsgInit;
typedef struct VSCMsgError {
    uint32_t code;
} VSCMsgError;
#define VSCARD_VERSION 2

#endif
