#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                             \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
  apply_to = function)
#define LK_ISA LK_AVX512_VNNI
#define LK_NAME "avx512vnni"
#define LK_TABLE lk_kernels_avx512_vnni
#define LK_WIDTH 16
#define LK_MR 14
#define LK_NR_VECTORS 2
#define LK_HAS_F16_CONVERT 1
#define LK_HAS_AVX512 1
#define LK_HAS_VNNI 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
