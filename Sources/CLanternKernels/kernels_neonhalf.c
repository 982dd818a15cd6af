#if defined(__aarch64__)
#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("dotprod,fullfp16"))), apply_to = function)
#define LK_ISA LK_NEON_HALF
#define LK_NAME "neonhalf"
#define LK_TABLE lk_kernels_neon_half
#define LK_WIDTH 4
#define LK_ROWS 6
#define LK_VECTORS 4
#define LK_HAS_F16 1
#define LK_DOT 0
#define LK_HAS_SDOT 1
#define LK_HAS_HALVES 1
#include "kernels.inc"
#pragma clang attribute pop
#endif
