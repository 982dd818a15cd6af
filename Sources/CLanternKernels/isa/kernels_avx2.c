#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LK_ISA LK_AVX2
#define LK_NAME "avx2"
#define LK_TABLE lk_kernels_avx2
#define LK_WIDTH 8
#define LK_MR 6
#define LK_NR_VECTORS 2
#define LK_HAS_F16_CONVERT 1
#define LK_HAS_AVX2 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
