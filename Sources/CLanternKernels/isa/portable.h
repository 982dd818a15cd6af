// Constants of the portable kernels: no instruction set is named. Files for one instruction set take these
// where an editor opens them alone.
#define LK_ISA LK_PORTABLE
#define LK_NAME "portable"
#define LK_TABLE lk_kernels_portable
#define LK_WIDTH 4  // floats in a vector
#define LK_MR 6     // rows of the micro-kernel's tile
#define LK_NR_VECTORS 2  // vectors in each of its rows
