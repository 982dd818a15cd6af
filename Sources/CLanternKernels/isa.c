#include <stdlib.h>
#include <string.h>

#include "kernels.h"

size_t lk_packed_bytes(int64_t n, int64_t k, lk_dtype type) {
  size_t element = type == LK_F32 ? 4 : 2;
  return (size_t)((n + 31) / 32 * 32) * (size_t)k * element + 64;
}

bool lk_isa_supported(lk_isa isa) {
  switch (isa) {
    case LK_PORTABLE:
      return true;
#if defined(__x86_64__)
    case LK_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
    case LK_AVX512:
      return lk_isa_supported(LK_AVX2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq");
#endif
#if defined(__aarch64__)
    case LK_NEON:
      return true;
#endif
    default:
      return false;
  }
}

const lk_kernels *lk_kernels_for(lk_isa isa) {
  if (!lk_isa_supported(isa)) return NULL;
  switch (isa) {
#if defined(__x86_64__)
    case LK_AVX2:
      return &lk_kernels_avx2;
    case LK_AVX512:
      return &lk_kernels_avx512;
#endif
#if defined(__aarch64__)
    case LK_NEON:
      return &lk_kernels_neon;
#endif
    default:
      return &lk_kernels_portable;
  }
}

const lk_kernels *lk_kernels_best(void) {
  static const struct {
    const char *name;
    lk_isa isa;
  } all[] = {
    {"avx512", LK_AVX512}, {"avx2", LK_AVX2}, {"neon", LK_NEON}, {"portable", LK_PORTABLE}};
  const char *forced = getenv("LANTERN_ISA");
  for (size_t i = 0; forced && i < sizeof all / sizeof all[0]; i++) {
    if (strcmp(forced, all[i].name) == 0 && lk_isa_supported(all[i].isa)) {
      return lk_kernels_for(all[i].isa);
    }
  }
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (lk_isa_supported(all[i].isa)) return lk_kernels_for(all[i].isa);
  }
  return &lk_kernels_portable;
}
