#include "portable.h"

#include "kernels.inc"
