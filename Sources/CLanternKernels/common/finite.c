#include <string.h>

#include "../include/lantern_kernels.h"

// A number is NaN or infinite exactly when all its exponent bits are set. Adding one at the lowest
// exponent bit then carries into the sign's place, so a whole block is tested by or-ing the sums.

static bool finite_16(const unsigned char *bytes, int64_t count, uint16_t lowest) {
  uint16_t seen = 0;
  for (int64_t i = 0; i < count; i++) {
    uint16_t bits;
    memcpy(&bits, bytes + 2 * i, 2);
    seen |= (uint16_t)((bits & 0x7fff) + lowest);
  }
  return !(seen & 0x8000);
}

static bool finite_32(const unsigned char *bytes, int64_t count) {
  uint32_t seen = 0;
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, bytes + 4 * i, 4);
    seen |= (bits & 0x7fffffff) + 0x00800000;
  }
  return !(seen & 0x80000000);
}

bool lk_all_finite(const void *x, lk_dtype type, int64_t count) {
  switch (type) {
    case LK_F16:
      return finite_16(x, count, 0x0400);
    case LK_BF16:
      return finite_16(x, count, 0x0080);
    default:
      return finite_32(x, count);
  }
}
