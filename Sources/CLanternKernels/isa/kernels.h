// Tables of kernels, which kernels.inc fills, one for each instruction set.
#ifndef LK_KERNELS_H
#define LK_KERNELS_H

#include "../include/lantern_kernels.h"

extern const lk_kernels lk_kernels_portable;
#if defined(__x86_64__)
extern const lk_kernels lk_kernels_avx2, lk_kernels_avx512, lk_kernels_avx512_vnni;
#if defined(__linux__)
extern const lk_kernels lk_kernels_amx;
#endif
#elif defined(__aarch64__)
extern const lk_kernels lk_kernels_neon, lk_kernels_neon_dot, lk_kernels_neon_half;
#endif

#endif
