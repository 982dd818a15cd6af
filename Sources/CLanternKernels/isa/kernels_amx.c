#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#pragma clang attribute push(                                                                     \
  __attribute__((target(                                                                          \
    "amx-tile,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
  apply_to = function)
#define LK_ISA LK_AMX
#define LK_NAME "amx"
#define LK_TABLE lk_kernels_amx
#define LK_WIDTH 16
#define LK_MR 14
#define LK_NR_VECTORS 2
#define LK_HAS_F16_CONVERT 1
#define LK_HAS_AVX512 1
#define LK_HAS_VNNI 1
#define LK_HAS_AMX 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
