// Layout of packed weights: panels of PACK_N columns, the same for every instruction set but AMX.
//
// F32, F16, BF16   [panel][k][PACK_N]
// I16              [panel][k / 2][PACK_N][2]: weight / scale of the column; k filled up to fours. With AMX
//                  [panel][k / 4][2][PACK_N][4], their low bytes and their high ones (quantized/split.inc)
// I8               [panel][k / 4][PACK_N][4]: the same + 128
// I4               [panel]([k / 2][PACK_N] bytes of two weights + 8, the first in the low four bits;
//                          [k / 32][PACK_N] u16, scales of groups in units of the column's scale)
// B4               [panel]([k / 8][PACK_N] int32 of eight weights: those of even k in the low half, of odd k in
//                          the high one; [k / 16][PACK_N] int16, in turns steps of 32 in units of the column's
//                          scale / 8, and offsets in units of the column's scale)
// B8, B8_16        [panel]([k / 4][PACK_N] int32 of four weights alike; [k / 16][PACK_N] int16, of B8_16 steps
//                          of 16, of B8 in turns steps of 32 and offsets; steps in units of scale / 128)
// After the panels of integers come the columns' scales, f32; then, of LK_WINOGRAD_LATE filters, scales
// [16][columns] of the transformed ones.
#ifndef LK_LAYOUT_H
#define LK_LAYOUT_H

#include "../include/lantern_kernels.h"

enum {
  PACK_N = 32,  // columns of a packed panel
  KC = 320,     // rows of a panel that one block of A is multiplied by; divides the widths of most models
  // The largest 16-bit activation: 14 bits.
  MAX_A_INT16 = 8191,
  // The sum of a column's magnitudes over KC rows stays below this, so that no accumulator overflows.
  MAX_COLUMN_SUM = INT32_MAX / MAX_A_INT16,
  MAX_INT8 = 127,
  MAX_INT4 = 7,
  INT4_GROUP = 32,  // int4 weights of a column that share a scale
  MAX_GROUP_SCALE = 4095,
  // Elements between rows of a block of A: of f32, and of packed pairs or quads. No multiple of 4 KiB,
  // which would put all rows into one set of the cache.
  A_STRIDE = KC + 16,
  A_PACKED_STRIDE = KC / 2 + 16,
  MAX_TASK_PANELS = 10,  // panels whose part of C a task keeps; even
  MIN_AMX_K = 256,       // inputs from which on tiles pay; int16 weights of fewer stay pairs
  FEW_AMX_ROWS = 12,     // up to which rows are multiplied by vectors although there are tiles
  // Queries up to which attention packs nothing.
  FEW_QUERIES = 4,
  TILE_POINTS = 16,      // of a tile of Winograd's F(2×2, 3×3): 4×4
};

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

static inline bool is_integer(lk_dtype type) { return type >= LK_I16; }
static inline bool is_blocks(lk_dtype type) { return type >= LK_B4; }

/// Weights in an int32 of blocks' panels.
static inline int64_t block_word_weights(lk_dtype type) { return type == LK_B4 ? 8 : 4; }

static inline int64_t panel_bytes_of(int64_t k, lk_dtype type) {
  switch (type) {
    case LK_F32:
      return k * PACK_N * 4;
    case LK_I16:
      return (k + 3) / 4 * PACK_N * 8;
    case LK_I8:
      return (k + 3) / 4 * PACK_N * 4;
    case LK_I4:
      return (k + 1) / 2 * PACK_N + (k + INT4_GROUP - 1) / INT4_GROUP * PACK_N * 2;
    case LK_B4:
    case LK_B8:
    case LK_B8_16:
      return k / block_word_weights(type) * PACK_N * 4 + k / 16 * PACK_N * 2;
    default:
      return k * PACK_N * 2;
  }
}

static inline int64_t panels_of(int64_t n, lk_layout layout) {
  int64_t parts = layout == LK_GATED ? 2 : 1;
  return (n / parts + PACK_N - 1) / PACK_N * parts;
}

/// Bytes from a panel's beginning to its row k0, a multiple of KC.
static inline int64_t panel_offset(int64_t k0, lk_dtype type) {
  if (is_blocks(type)) return k0 / block_word_weights(type) * PACK_N * 4;
  return type == LK_I4 ? k0 / 2 * PACK_N : panel_bytes_of(k0, type);
}

/// Scales of an int4 panel's groups.
static inline const uint16_t *group_scales(const void *panel, int64_t k) {
  return (const uint16_t *)((const char *)panel + (k + 1) / 2 * PACK_N);
}

/// Steps and offsets of a block panel's groups.
static inline const int16_t *group_steps(const void *panel, int64_t k, lk_dtype type) {
  return (const int16_t *)((const char *)panel + panel_offset(k, type));
}

/// Scales of the columns behind the panels of integers, or null.
static inline const float *packed_scales(const void *packed, int64_t n, int64_t k, lk_dtype type) {
  if (!is_integer(type)) return NULL;
  int64_t panels = (n + PACK_N - 1) / PACK_N;
  return (const float *)((const char *)packed + panels * panel_bytes_of(k, type));
}

/// Rows of attention's packed values: of integers, with zeros that fill up the last pairs of keys.
static inline int64_t value_rows_of(int64_t keys, lk_dtype type) {
  return is_integer(type) ? (keys + PACK_N - 1) / PACK_N * PACK_N : keys;
}

#endif
