#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "../convolution/winograd_plan.h"
#include "../product/layout.h"
#include "kernels.h"

size_t lk_packed_bytes(int64_t n, int64_t k, lk_dtype type, lk_layout layout) {
  int64_t panels = panels_of(n, layout), scales = PACK_N * sizeof(float);
  int64_t rows = layout == LK_WINOGRAD_EARLY ? k / 9 : k;
  int64_t panel = panel_bytes_of(rows, type) + (is_integer(type) ? scales : 0);
  if (layout == LK_WINOGRAD_LATE && is_integer(type)) panel += TILE_POINTS * scales;
  size_t bytes = (size_t)(panels * panel) + 63 & ~(size_t)63;
  return layout == LK_WINOGRAD_EARLY ? TILE_POINTS * bytes : bytes;
}

lk_dtype lk_blocks_type(lk_block_format format) {
  switch (format) {
    case LK_Q4_0:
    case LK_Q4_1:
    case LK_Q4_K:
      return LK_B4;
    case LK_Q3_K:
    case LK_Q6_K:
      return LK_B8_16;
    case LK_Q2_K:  // groups of 16 with offsets
      return LK_F32;
    default:
      return LK_B8;
  }
}

bool lk_packed_finite(const void *packed, int64_t n, int64_t k, lk_dtype type, lk_layout layout) {
  int64_t columns = panels_of(n, layout) * PACK_N;
  return lk_all_finite(packed_scales(packed, columns, k, type), LK_F32, columns);
}

size_t lk_conv_scratch_bytes(const lk_conv_args *args) {
  if (!fits_winograd(args)) return 0;
  winograd_plan plan = winograd_plan_of(args);
  return (size_t)(plan.shared_bytes + args->scratch_threads * plan.thread_bytes);
}

size_t lk_attention_scratch_bytes(const lk_attention_args *args) {
  if (args->in_place || args->queries <= FEW_QUERIES) return 0;
  lk_dtype type = args->arithmetic;
  int64_t value_rows = value_rows_of(args->keys, type);
  size_t head = lk_packed_bytes(args->keys, args->head_size, type, LK_MATRIX) +
                lk_packed_bytes(args->head_size, value_rows, type, LK_MATRIX);
  return (size_t)(args->batch * args->key_heads) * head;
}

#if defined(__aarch64__)
static bool has_dot_products(void) {
#if defined(__ARM_FEATURE_DOTPROD)  // as for every Mac
  return true;
#elif defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#else
  return false;
#endif
}

static bool has_f16_arithmetic(void) {
#if defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)  // as for every Mac
  return true;
#elif defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_ASIMDHP;
#else
  return false;
#endif
}
#endif

#if defined(__x86_64__) && defined(__linux__)
/// Whether the processor has AMX's tiles of int8, and Linux lets this process use them, as it asks to.
static bool may_use_tiles(void) {
  enum { AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  if (!(d & AMX_TILE) || !(d & AMX_INT8)) return false;
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

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
#if defined(__x86_64__) && defined(__linux__)
    case LK_AMX:
      return lk_isa_supported(LK_AVX512_VNNI) && may_use_tiles();
#endif
#if defined(__aarch64__)
    case LK_NEON:
      return true;
    case LK_NEON_DOT:
      return has_dot_products();
    case LK_NEON_HALF:
      return has_dot_products() && has_f16_arithmetic();
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
#if defined(__x86_64__) && defined(__linux__)
    case LK_AMX:
      return &lk_kernels_amx;
#endif
#if defined(__aarch64__)
    case LK_NEON:
      return &lk_kernels_neon;
    case LK_NEON_DOT:
      return &lk_kernels_neon_dot;
    case LK_NEON_HALF:
      return &lk_kernels_neon_half;
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
    {"amx", LK_AMX}, {"avx512vnni", LK_AVX512_VNNI}, {"avx512", LK_AVX512}, {"avx2", LK_AVX2},
    {"neonhalf", LK_NEON_HALF}, {"neondot", LK_NEON_DOT}, {"neon", LK_NEON},
    {"portable", LK_PORTABLE}};
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
