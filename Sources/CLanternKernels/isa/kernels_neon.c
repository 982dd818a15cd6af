#if defined(__aarch64__)
#define LK_ISA LK_NEON
#define LK_NAME "neon"
#define LK_TABLE lk_kernels_neon
#define LK_WIDTH 4
#define LK_MR 6
#define LK_NR_VECTORS 4
#define LK_HAS_F16_CONVERT 1
#include "kernels.inc"
#endif
