#define LK_ISA LK_PORTABLE
#define LK_NAME "portable"
#define LK_TABLE lk_kernels_portable
#define LK_WIDTH 4  // floats in a vector
#define LK_ROWS 6   // rows and vectors of the matrix product's tile
#define LK_VECTORS 2
#define LK_DOT 0
#include "kernels.inc"
