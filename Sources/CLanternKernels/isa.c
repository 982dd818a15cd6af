#include <stdlib.h>
#include <string.h>

#include "kernels.h"

size_t lk_packed_bytes(int64_t n, int64_t k, lk_dtype type) {
  // As packing.inc lays panels of 32 columns out.
  size_t rows = (size_t)k, panel = 0, scales = 32 * sizeof(float);
  switch (type) {
    case LK_F32:
      panel = rows * 128;
      break;
    case LK_F16:
    case LK_BF16:
      panel = rows * 64;
      break;
    case LK_I16:
      panel = (rows + 1) / 2 * 128 + scales;
      break;
    case LK_I8:
      panel = (rows + 3) / 4 * 128 + scales;
      break;
    case LK_I4:
      panel = (rows + 1) / 2 * 32 + (rows + 31) / 32 * 64 + scales;
      break;
  }
  return (size_t)((n + 31) / 32) * panel + 63 & ~(size_t)63;
}

size_t lk_attention_scratch_bytes(const lk_attention_args *args) {
  size_t head = lk_packed_bytes(args->keys, args->head_size, args->arithmetic) +
                lk_packed_bytes(args->head_size, args->keys, args->arithmetic);
  return (size_t)(args->batch * args->heads) * head;
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
    case LK_AVX512_VNNI:
      return lk_isa_supported(LK_AVX512) && __builtin_cpu_supports("avx512vnni");
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
    case LK_AVX512_VNNI:
      return &lk_kernels_avx512_vnni;
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
    {"avx512vnni", LK_AVX512_VNNI}, {"avx512", LK_AVX512}, {"avx2", LK_AVX2},
    {"neon", LK_NEON}, {"portable", LK_PORTABLE}};
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
