#if defined(__aarch64__)
#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define LK_ISA LK_NEON_DOT
#define LK_NAME "neondot"
#define LK_TABLE lk_kernels_neon_dot
#define LK_WIDTH 4
#define LK_MR 6
#define LK_NR_VECTORS 4
#define LK_HAS_F16_CONVERT 1
#define LK_HAS_SDOT 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
