// Plan of a convolution by Winograd's F(2×2, 3×3): whether it fits, in which order its loops run, and
// what scratch they need.
#ifndef LK_WINOGRAD_PLAN_H
#define LK_WINOGRAD_PLAN_H

#include "../product/layout.h"

/// Whether each tap of a filter of so many channels begins at a quad or group of its own.
static inline bool transforms_channels(lk_dtype type, int64_t channels) {
  return channels % (type == LK_I4 ? INT4_GROUP : 4) == 0;
}

/// Whether a convolution is done by Winograd's algorithm. Depends on one picture alone, so that a batch
/// gives what its pictures give by themselves.
static inline bool fits_winograd(const lk_conv_args *args) {
  enum { MIN_CHANNELS = 16, MIN_TILES = 16 };
  if (args->layout == LK_WINOGRAD_EARLY) return true;
  int64_t tiles = (args->out_height + 1) / 2 * ((args->out_width + 1) / 2);
  bool is_ready = !is_integer(args->packed_type) ||
                  (args->layout == LK_WINOGRAD_LATE &&
                   transforms_channels(args->packed_type, args->channels));
  return is_ready && args->kernel_height == 3 && args->kernel_width == 3 && args->stride == 1 &&
         args->pad_top == 1 && args->pad_left == 1 && args->channels >= MIN_CHANNELS &&
         args->out_channels >= MIN_CHANNELS && tiles >= MIN_TILES;
}

/// Loop order and buffers.
///
/// Filters transformed early belong to large pictures: a task transforms a block of tiles and multiplies
/// it by many columns. Filters transformed late belong to small pictures: many blocks of tiles are
/// transformed first, and a task transforms the filters of a few columns and multiplies all tiles by them.
typedef struct winograd_plan {
  bool is_late;           // whether filters are transformed by each call
  lk_dtype type;          // of the transformed filters
  int64_t tiles;          // all of them
  int64_t k_blocks;       // of KC channels
  int64_t block_tiles;    // tiles of a block, the rows of its 16 products
  int64_t max_panels;     // of a task
  int64_t chunk_tiles;    // tiles that are transformed before they are multiplied
  int64_t input_bytes;    // of the transformed tiles of one block of tiles and of channels
  int64_t point_bytes;    // between the tile points of a task's transformed filters
  int64_t product_bytes;  // of a task's 16 products
  int64_t shared_bytes, thread_bytes;  // scratch for all threads together, and for each
} winograd_plan;

static inline winograd_plan winograd_plan_of(const lk_conv_args *args) {
  enum { MAX_SHARED_BYTES = 16 << 20, CACHE_LINE = 64 };
  winograd_plan plan = {.is_late = args->layout != LK_WINOGRAD_EARLY};
  lk_dtype transformed = is_integer(args->packed_type) ? LK_I16 : LK_F32;
  plan.type = plan.is_late ? transformed : args->packed_type;
  plan.tiles = args->batch * ((args->out_height + 1) / 2) * ((args->out_width + 1) / 2);
  plan.k_blocks = (args->channels + KC - 1) / KC;
  plan.block_tiles = plan.is_late ? 56 : 28;
  int64_t panels = panels_of(args->out_channels, LK_MATRIX);
  // Two panels share the tiles that are read, where there are tasks for all threads all the same.
  bool is_wide = panels >= 8 * (int64_t)args->scratch_threads;
  plan.max_panels = !plan.is_late ? MAX_TASK_PANELS : is_wide ? 2 : 1;
  int64_t row = is_integer(plan.type) ? A_PACKED_STRIDE * 4 + 8 : A_STRIDE * 4;
  plan.input_bytes = TILE_POINTS * plan.block_tiles * row;
  plan.product_bytes = TILE_POINTS * plan.block_tiles * plan.max_panels * PACK_N * 4;
  if (!plan.is_late) {
    plan.chunk_tiles = plan.tiles;
    plan.thread_bytes = plan.product_bytes + plan.input_bytes;
    return plan;
  }
  int64_t all = (plan.tiles + plan.block_tiles - 1) / plan.block_tiles;
  int64_t fitting = MAX_SHARED_BYTES / (plan.input_bytes * plan.k_blocks);
  int64_t blocks = fitting < 1 ? 1 : fitting < all ? fitting : all;
  plan.chunk_tiles = blocks * plan.block_tiles;
  plan.shared_bytes = blocks * plan.k_blocks * plan.input_bytes;
  // All tile points are written and read in turn: a few lines more keep them from one set of the cache.
  plan.point_bytes = plan.max_panels * panel_bytes_of(args->channels, plan.type) + 5 * CACHE_LINE;
  plan.thread_bytes = plan.product_bytes + TILE_POINTS * plan.point_bytes;
  return plan;
}

#endif
