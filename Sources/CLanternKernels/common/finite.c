#include <string.h>

#include "../include/lantern_kernels.h"

// Test for NaN and infinity: exactly they have all exponent bits set. Adding one at the lowest exponent bit
// then carries into the sign bit, so a block is tested by or-ing the sums.

static bool finite_16(const unsigned char *bytes, int64_t count, uint16_t lowest) {
  uint16_t carries = 0;
  for (int64_t i = 0; i < count; i++) {
    uint16_t bits;
    memcpy(&bits, bytes + 2 * i, 2);
    carries |= (uint16_t)((bits & 0x7fff) + lowest);
  }
  return !(carries & 0x8000);
}

static bool finite_32(const unsigned char *bytes, int64_t count) {
  uint32_t carries = 0;
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, bytes + 4 * i, 4);
    carries |= (bits & 0x7fffffff) + 0x00800000;
  }
  return !(carries & 0x80000000);
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
