#include "lantern_kernels.h"

size_t lk_packed_bytes(int64_t n, int64_t k, lk_dtype type) {
  size_t element = type == LK_F32 ? 4 : 2;
  return (size_t)((n + 31) / 32 * 32) * (size_t)k * element + 64;
}
