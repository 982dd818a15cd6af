// Compares kernels of two machines, on odd sizes.
//
//   check write FILE    what the portable kernels give here
//   check read FILE     compares the best kernels of this machine with that, and prints the worst
//                       difference of each as a share of the result's root mean square
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lantern_kernels.h"

static uint64_t state = 42;

static float uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (float)((int32_t)(state >> 32)) / 2147483648.0f;
}

static float *random_floats(int64_t count) {
  float *x = malloc((size_t)count * 4 + 64);
  for (int64_t i = 0; i < count; i++) x[i] = uniform();
  return x;
}

static float *zeros(int64_t count) { return calloc((size_t)count + 16, 4); }

static FILE *file;
static bool is_reading;
static int failures;

/// Where weights are rounded to 14 bits, one that falls to the other side moves a sum by 1e-4; f16 has
/// 11 bits.
static double most = 2e-5, most_of_f16 = 1.2e-2;

static void compare(const char *name, const float *found, float *expected, int64_t count) {
  if (!is_reading) {
    if (fwrite(expected, 4, (size_t)count, file) != (size_t)count) failures++;
    return;
  }
  if (fread(expected, 4, (size_t)count, file) != (size_t)count) failures++;
  double squares = 0, worst = 0;
  for (int64_t i = 0; i < count; i++) squares += (double)expected[i] * expected[i];
  double scale = sqrt(squares / (double)count) + 1e-30;
  for (int64_t i = 0; i < count; i++) {
    double difference = fabs((double)found[i] - expected[i]) / fmax(scale, fabs(expected[i]));
    // What is no number stays the worst.
    if (difference > worst || difference != difference) worst = difference;
  }
  int is_wrong = !(worst < most);
  failures += is_wrong;
  printf("%-28s %.1e%s\n", name, worst, is_wrong ? "  WRONG" : "");
}

static void *pack(
  const lk_kernels *kernels, const float *weight, int64_t n, int64_t k, lk_layout layout, lk_dtype type) {
  void *packed = malloc(lk_packed_bytes(n, k, type, layout));
  lk_pack_args args = {
    .weight = weight, .from = LK_F32, .n = n, .k = k, .row_stride = k, .layout = layout,
    .packed = packed, .to = type};
  kernels->pack(&args);
  return packed;
}

static void check_products(const lk_kernels *ours, const lk_kernels *plain, lk_dtype type) {
  const int64_t m = 23, n = 77, k = 131;
  most = ours->has_f16_products && (type == LK_I16 || type == LK_I4) ? most_of_f16 : 2e-5;
  const char *forms[] = {"f32", "f16", "bf16", "i16", "i8", "i4"};
  char name[64];
  float *x = random_floats(m * k), *weight = random_floats(n * k), *bias = random_floats(n);
  float *residual = random_floats(m * n), *y[2] = {zeros(m * n), zeros(m * n)};
  const lk_kernels *both[] = {ours, plain};
  for (int i = 0; i < 2; i++) {
    void *packed = pack(both[i], weight, n, k, LK_MATRIX, type);
    lk_gemm_args args = {
      .m = m, .n = n, .k = k, .x = x, .x_stride = k, .packed = packed, .packed_type = type,
      .bias = bias, .residual = residual, .residual_stride = n, .activation = LK_SILU, .y = y[i],
      .y_stride = n};
    both[i]->gemm(&args);
    free(packed);
  }
  snprintf(name, sizeof name, "gemm %s", forms[type]);
  compare(name, y[0], y[1], m * n);
  for (int i = 0; i < 2; i++) {
    void *packed = pack(both[i], weight, n - 1, k, LK_GATED, type);
    lk_gemm_args args = {
      .m = m, .n = n - 1, .k = k, .x = x, .x_stride = k, .packed = packed, .packed_type = type,
      .layout = LK_GATED, .bias = bias, .activation = LK_GELU, .y = y[i], .y_stride = n / 2};
    both[i]->gemm(&args);
    free(packed);
  }
  snprintf(name, sizeof name, "gated gemm %s", forms[type]);
  compare(name, y[0], y[1], m * (n / 2));

  const int64_t height = 9, width = 11, channels = 288, outputs = 37;
  float *picture = random_floats(2 * height * width * channels);
  float *filter = random_floats(outputs * 9 * channels);
  for (int64_t upsample = 1; upsample <= 2; upsample++) {
    // As direct convolutions of both strides, then Winograd's.
    for (int kind = 0; kind < 4; kind++) {
      int64_t stride = kind == 1 ? 2 : 1;
      const lk_layout layouts[] = {LK_MATRIX, LK_MATRIX, LK_WINOGRAD_LATE, LK_WINOGRAD_EARLY};
      lk_layout layout = layouts[kind];
      int64_t down = (height * upsample + 2 - 3) / stride + 1;
      int64_t across = (width * upsample + 2 - 3) / stride + 1;
      int64_t count = 2 * down * across * outputs;
      float *z[2] = {zeros(count), zeros(count)};
      for (int i = 0; i < 2; i++) {
        void *packed = pack(both[i], filter, outputs, 9 * channels, layout, type);
        lk_conv_args args = {
          .batch = 2, .height = height, .width = width, .channels = channels, .out_height = down,
          .out_width = across, .out_channels = outputs, .kernel_height = 3, .kernel_width = 3,
          .stride = stride, .pad_top = 1, .pad_left = 1, .upsample = upsample, .x = picture,
          .packed = packed, .packed_type = type, .layout = layout,
          .scratch_threads = lk_threads(), .bias = bias, .activation = LK_IDENTITY,
          .y = z[i]};
        if (layout != LK_MATRIX) args.scratch = malloc(lk_conv_scratch_bytes(&args));
        both[i]->conv2d(&args);
        free(args.scratch);
        free(packed);
      }
      // Filters that each call transforms are multiplied in 16 bits whatever their form.
      bool is_late = layout == LK_WINOGRAD_LATE;
      bool is_16 = type == LK_I16 || type == LK_I4 || (type == LK_I8 && is_late);
      most = ours->has_f16_products && is_16 ? most_of_f16 : 2e-5;
      const char *way = layout == LK_MATRIX ? "" : is_late ? ", winograd late" : ", winograd early";
      snprintf(name, sizeof name, "conv2d %s%s", forms[type], way);
      compare(name, z[0], z[1], count);
    }
  }
}

/// Products of blocks of a format, one row and several.
static void check_blocks(
  const lk_kernels *ours, const lk_kernels *plain, lk_block_format format, const char *name,
  int64_t elements, int64_t bytes, int scale_at) {
  const int64_t m = 5, n = 77, k = 768, count = n * k / elements;
  most = ours->has_f16_products ? most_of_f16 : 2e-5;
  uint8_t *blocks = malloc((size_t)(count * bytes));
  for (int64_t i = 0; i < count * bytes; i++) blocks[i] = (uint8_t)(128 * (uniform() + 1));
  // An f16 of about 0.01, and the same again for the offset of formats that have one there.
  for (int64_t i = 0; i < count; i++) memcpy(blocks + i * bytes + scale_at, "\x1f\x21\x1f\x21", 4);
  float *x = random_floats(m * k), *y[2] = {zeros(m * n), zeros(m * n)};
  const lk_kernels *both[] = {ours, plain};
  const lk_dtype type = lk_blocks_type(format);
  for (int64_t rows = 1; rows <= m; rows += m - 1) {
    for (int i = 0; i < 2; i++) {
      void *packed = malloc(lk_packed_bytes(n, k, type, LK_MATRIX));
      lk_pack_blocks_args pack_args = {
        .blocks = blocks, .format = format, .n = n, .k = k, .end = n, .packed = packed};
      both[i]->pack_blocks(&pack_args);
      lk_gemm_args args = {
        .m = rows, .n = n, .k = k, .x = x, .x_stride = k, .packed = packed, .packed_type = type,
        .activation = LK_IDENTITY, .y = y[i], .y_stride = n};
      both[i]->gemm(&args);
      free(packed);
    }
    compare(name, y[0], y[1], rows * n);
  }
}

static void check_attention(const lk_kernels *ours, const lk_kernels *plain, int64_t head_size) {
  // The first queries of the causal case attend to none of the second block of keys.
  const int64_t heads = 3, queries = 47, keys = 277;
  const int64_t row = heads * head_size;
  float *q = random_floats(2 * queries * row), *k = random_floats(2 * keys * row);
  float *v = random_floats(2 * keys * row);
  float *y[2] = {zeros(2 * queries * row), zeros(2 * queries * row)};
  const lk_kernels *both[] = {ours, plain};
  for (int kind = 0; kind < 4; kind++) {
    bool causal = kind % 2, is_int = kind / 2;
    for (int i = 0; i < 2; i++) {
      lk_attention_args args = {
        .batch = 2, .heads = heads, .key_heads = heads, .queries = queries, .keys = keys,
        .head_size = head_size,
        .q = q, .k = k, .v = v, .stored = LK_F32, .q_batch_stride = queries * row, .q_stride = row,
        .k_batch_stride = keys * row, .k_stride = row, .v_batch_stride = keys * row,
        .v_stride = row, .scale = 0.3f, .soft_cap = causal ? 5 : 0, .mask = causal ? LK_MASK_CAUSAL : LK_MASK_NONE,
        .arithmetic = is_int ? LK_I16 : LK_F32, .y = y[i], .y_batch_stride = queries * row,
        .y_stride = row};
      args.scratch = malloc(lk_attention_scratch_bytes(&args));
      both[i]->attention(&args);
      free(args.scratch);
    }
    char name[64];
    most = !is_int ? 2e-5 : ours->has_f16_products ? most_of_f16 : 3e-4;
    snprintf(name, sizeof name, "attention%s%s", causal ? ", causal" : "", is_int ? ", i16" : "");
    compare(name, y[0], y[1], 2 * queries * row);
  }
}

/// Of int8 keys and values of grouped heads, few queries and many.
static void check_int8_attention(const lk_kernels *ours, const lk_kernels *plain, int64_t head_size) {
  const int64_t key_heads = 2, heads = 2 * key_heads, keys = 277, row = key_heads * head_size;
  float *q = random_floats(47 * 2 * row), *wide = random_floats(keys * row), *y[2];
  const lk_kernels *both[] = {ours, plain};
  int8_t *codes[2];
  float *scales[2], *floats[2];
  for (int i = 0; i < 2; i++) {
    codes[i] = malloc((size_t)(keys * row));
    scales[i] = zeros(keys * key_heads);
    floats[i] = zeros(keys * row);
    y[i] = zeros(47 * 2 * row);
    both[i]->quantize(wide, keys * key_heads, head_size, codes[i], scales[i]);
    for (int64_t at = 0; at < keys * row; at++) floats[i][at] = codes[i][at] * scales[i][at / head_size];
  }
  most = 1e-7;
  compare("quantize", floats[0], floats[1], keys * row);
  for (int kind = 0; kind < 4; kind++) {
    bool is_int = kind % 2;
    int64_t queries = kind / 2 ? 47 : 2;
    for (int i = 0; i < 2; i++) {
      lk_attention_args args = {
        .batch = 1, .heads = heads, .key_heads = key_heads, .queries = queries, .keys = keys,
        .head_size = head_size, .q = q, .k = codes[i], .v = codes[i], .stored = LK_I8,
        .k_scales = scales[i], .v_scales = scales[i], .q_stride = 2 * row, .k_stride = row,
        .v_stride = row, .scale = 0.3f, .mask = LK_MASK_CAUSAL, .arithmetic = is_int ? LK_I16 : LK_F32,
        .y = y[i], .y_stride = 2 * row};
      args.scratch = malloc(lk_attention_scratch_bytes(&args));
      both[i]->attention(&args);
      free(args.scratch);
    }
    char name[64];
    most = !is_int ? 2e-5 : ours->has_f16_products ? most_of_f16 : 3e-4;
    snprintf(name, sizeof name, "attention of int8, %d queries%s", (int)queries, is_int ? ", i16" : "");
    compare(name, y[0], y[1], queries * 2 * row);
  }
}

static void check_rest(const lk_kernels *ours, const lk_kernels *plain) {
  const int64_t rows = 13, columns = 126, count = rows * columns;
  float *x = random_floats(count), *weight = random_floats(columns);
  float *bias = random_floats(columns), *y[2] = {zeros(count), zeros(count)};
  const lk_kernels *both[] = {ours, plain};
#define CHECK(name, size, call)                 \
  for (int i = 0; i < 2; i++) both[i]->call;    \
  compare(name, y[0], y[1], size)
  CHECK("group_norm", count, group_norm(x, 1, rows, columns, 6, 1e-5f, weight, bias, true, y[i]));
  CHECK("layer_norm", count, layer_norm(x, rows, columns, 1e-5f, weight, bias, y[i]));
  CHECK("rms_norm", count, rms_norm(x, rows, columns, 1e-5f, weight, y[i]));
  CHECK("softmax", count, softmax(x, rows, columns, y[i]));
  CHECK("affine", count, affine(x, 0.3f, -2, count, y[i]));
  CHECK("clamp", count, clamp(x, -0.5f, 0.5f, count, y[i]));
  CHECK("prelu", count, prelu(x, weight, rows, columns, y[i]));
  for (int op = LK_EXP; op <= LK_IDENTITY; op++) {
    char name[32];
    snprintf(name, sizeof name, "unary %d", op);
    CHECK(name, count, unary((lk_unary)op, x, count, y[i]));
  }
  for (int op = LK_ADD; op <= LK_DIVIDE; op++) {
    char name[32];
    snprintf(name, sizeof name, "binary %d", op);
    CHECK(name, count, binary((lk_binary)op, x, columns, 1, weight, 0, 1, rows, columns, y[i]));
  }
  for (int op = LK_SUM; op <= LK_MIN; op++) {
    char name[32];
    snprintf(name, sizeof name, "reduce %d", op);
    CHECK(name, rows, reduce((lk_reduction)op, x, rows, columns, y[i]));
  }
  for (int type = LK_F16; type <= LK_BF16; type++) {
    uint16_t *half[2] = {malloc((size_t)count * 2), malloc((size_t)count * 2)};
    for (int i = 0; i < 2; i++) {
      both[i]->convert(x, LK_F32, count, half[i], (lk_dtype)type);
      both[i]->convert(half[i], (lk_dtype)type, count, y[i], LK_F32);
    }
    compare(type == LK_F16 ? "convert f16" : "convert bf16", y[0], y[1], count);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  is_reading = strcmp(argv[1], "read") == 0;
  file = fopen(argv[2], is_reading ? "rb" : "wb");
  if (!file) return 66;
  const lk_kernels *ours = lk_kernels_best(), *plain = lk_kernels_for(LK_PORTABLE);
  const char *wanted = getenv("LANTERN_ISA");
  if (wanted && strcmp(wanted, ours->name) != 0) {
    printf("%s cannot run here\n", wanted);
    return 69;
  }
  if (is_reading) printf("%s beside another machine's portable\n", ours->name);
  for (int type = LK_F32; type <= LK_I4; type++) check_products(ours, plain, (lk_dtype)type);
  check_blocks(ours, plain, LK_Q4_1, "gemm q4_1", 32, 20, 0);
  check_blocks(ours, plain, LK_Q5_1, "gemm q5_1", 32, 24, 0);
  check_blocks(ours, plain, LK_Q6_K, "gemm q6_K", 256, 210, 206);
  for (int64_t head = 1; head <= 160; head += 53) check_attention(ours, plain, head);
  for (int64_t head = 24; head <= 160; head += 53) check_int8_attention(ours, plain, head);
  most = 2e-5;
  check_rest(ours, plain);
  if (fclose(file) != 0) failures++;
  return failures != 0;
}
