/* Vectors of the host: nothing on the wire has one, only their size can matter. */
#ifndef VMGEN_SHIM_IMMINTRIN_H
#define VMGEN_SHIM_IMMINTRIN_H

typedef __int128 __m128i;

#endif
