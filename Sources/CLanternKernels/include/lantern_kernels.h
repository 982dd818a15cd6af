// Kernels of Lantern: the whole contract between Swift and C. docs/kernels.md tells how they work.
//
// Kernels do arithmetic on pointers. They never allocate, fail or print: the caller has checked shapes. Only
// packed weights and scratch need alignment, of 4 bytes; other scratch lives on the stack (at most 320 KiB
// a thread). Arithmetic is f32 but for integer weights; f16 and bf16 are storage of weights.
// Pictures are [batch, height, width, channel], tokens [batch, token, feature], both with the last axis
// contiguous.
//
// Results do not depend on the number of threads: every output element is computed by one thread,
// in an order fixed by the shapes alone.
#ifndef LANTERN_KERNELS_H
#define LANTERN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Threads -------------------------------------------------------------------------------

enum { LK_MAX_THREADS = 64 };

/// Sets how many threads work on one kernel call, the caller included (1...64). Takes effect at the
/// next call; threads are started on first use. The initial number is that of the processors.
void lk_set_threads(int count);
int lk_threads(void);
/// The index of this thread among a call's: 0 for the caller, below the limit where there is one.
int lk_thread_index(void);
/// Processor time that the calling thread has taken.
double lk_thread_seconds(void);

/// Counters of the arithmetic (a multiplication and an addition are two) of linear maps, convolutions and
/// attention since the process began, and of the bytes of their arguments: adds to both; reads both.
void lk_work_add(int64_t operations, int64_t bytes);
void lk_work(int64_t *operations, int64_t *bytes);

/// Calls `body(context, begin, end)` for consecutive ranges that cover [0, count), each of `grain`
/// items (the last may be shorter), on the pool's threads and the caller's; returns when all are
/// done. Nested calls, and calls made while the pool is busy for another caller, run inline.
void lk_parallel_for(
  int64_t count, int64_t grain, void (*body)(void *context, int64_t begin, int64_t end),
  void *context);

/// The same on the first `limit` threads at most; not to be nested in another call.
void lk_parallel_for_some(
  int limit, int64_t count, int64_t grain, void (*body)(void *context, int64_t begin, int64_t end),
  void *context);

// ---- Types ---------------------------------------------------------------------------------

/// Types of elements; and, from LK_I16 on, of packed weights alone: integers with an f32 scale a column
/// (int4: a scale for every 32 of a column too; from LK_B4 on, ggml's blocks: a step, and an offset where
/// formats have one, for every 16 or 32). They are multiplied by activations quantized to 14 bits (8
/// for LK_I8 but for Winograd's late filters), with an f32 scale for every 320 of a row; accumulators are
/// exact in 32 bits. Kernels with `has_f16_products` multiply 16-bit weights as f16 instead.
typedef enum lk_dtype {
  LK_F32 = 0,
  LK_F16,
  LK_BF16,
  LK_I16,
  LK_I8,
  LK_I4,
  LK_B4,     // 4 bits, groups of 32
  LK_B8,     // 8 bits, groups of 32
  LK_B8_16,  // 8 bits, groups of 16, no offsets
} lk_dtype;

/// Formats of blocks in which ggml stores weights. Blocks are little-endian and may be unaligned.
typedef enum lk_block_format {
  LK_Q4_0 = 0,
  LK_Q4_1,
  LK_Q5_0,
  LK_Q5_1,
  LK_Q8_0,
  LK_Q2_K,
  LK_Q3_K,
  LK_Q4_K,
  LK_Q5_K,
  LK_Q6_K,
  LK_IQ4_NL,
  LK_IQ4_XS,
  LK_MXFP4,
  LK_TQ1_0,
  LK_TQ2_0,
} lk_block_format;

typedef enum lk_isa {
  LK_PORTABLE = 0,
  LK_AVX2,
  LK_AVX512,
  LK_AVX512_VNNI,
  LK_AMX,
  LK_NEON,
  LK_NEON_DOT,
  LK_NEON_HALF,
} lk_isa;

typedef enum lk_unary {
  LK_EXP = 0,
  LK_RELU,
  LK_LEAKY_RELU,  // x, or 0.2 x where it is negative
  LK_SILU,        // x * sigmoid(x)
  LK_GELU,        // exact: x * (1 + erf(x / sqrt 2)) / 2
  LK_GELU_TANH,   // the tanh approximation of it
  LK_QUICK_GELU,  // x * sigmoid(1.702 x)
  LK_TANH,
  LK_IDENTITY,
} lk_unary;

typedef enum lk_binary { LK_ADD = 0, LK_SUBTRACT, LK_MULTIPLY, LK_DIVIDE } lk_binary;

typedef enum lk_reduction { LK_SUM = 0, LK_MEAN, LK_MAX, LK_MIN } lk_reduction;

/// Layouts of packed weights.
typedef enum lk_layout {
  LK_MATRIX = 0,
  LK_GATED,           // the second half of the rows gates the first: value · activation(gate)
  LK_WINOGRAD_LATE,   // 3×3 filters [3, 3, k / 9] as they are, for Winograd's convolution to transform with
                      // each call; integers with the scales that they have then
  LK_WINOGRAD_EARLY,  // 3×3 filters transformed for it as they are packed: 16 matrices, 16 / 9 of the bytes
} lk_layout;

/// Weights to be packed for matrix products: [n, k] with `row_stride` elements between rows.
typedef struct lk_pack_args {
  const void *weight;
  lk_dtype from;  // a type of elements, or LK_I8 with scales
  const float *scales;  // of LK_I8: of each row as the weights lie, `scale_stride` apart; or null
  int64_t n, k, row_stride, scale_stride;
  lk_layout layout;
  bool transposed;  // the weights lie as [k, n], LK_MATRIX, and are packed as another type or f32
  void *packed;     // lk_packed_bytes(n, k, to, layout)
  lk_dtype to;
} lk_pack_args;

/// Weights in blocks to be packed as `lk_blocks_type` says: [n, k], rows one behind the other.
typedef struct lk_pack_blocks_args {
  const void *blocks;
  const void *gates;  // with LK_GATED the second half of the rows
  lk_block_format format;
  int64_t n, k;      // k of whole blocks
  lk_layout layout;  // LK_MATRIX or LK_GATED
  int64_t begin, end;  // the rows to pack, of values and of gates each; begin is a multiple of 32
  void *packed;        // lk_packed_bytes(n, k, lk_blocks_type(format), layout)
} lk_pack_blocks_args;

/// The type that weights of a format are packed as; LK_F32 where there is none.
lk_dtype lk_blocks_type(lk_block_format format);

/// Whether the scales of packed integers' columns are finite.
bool lk_packed_finite(const void *packed, int64_t n, int64_t k, lk_dtype type, lk_layout layout);

/// y[m, n] = activation(x[m, k] · weightᵀ + bias) + residual; with LK_GATED weights y is [m, n / 2],
/// the activation is that of the gates, and there is no residual.
typedef struct lk_gemm_args {
  int64_t m, n, k;
  const float *x;
  int64_t x_stride;        // elements between rows of x
  const void *packed;      // made by `pack`
  lk_dtype packed_type;
  lk_layout layout;        // LK_MATRIX or LK_GATED
  const float *bias;       // [n], or null
  const float *residual;   // [m, n], or null; may be y itself
  int64_t residual_stride;
  lk_unary activation;     // LK_IDENTITY for none; applied before the residual is added
  float *y;
  int64_t y_stride;
} lk_gemm_args;

/// A 2-D convolution, channels-last, as an implicit matrix product (no im2col buffer).
/// y[b, oy, ox, :] = sum over ky, kx of x[b, oy*stride + ky - pad_top, ox*stride + kx - pad_left, :]
/// · weight[:, ky, kx, :]ᵀ + bias + batch_bias[b, :], activated, + residual.
/// Positions outside x count as zero, so padding at the bottom and right follows from the size of
/// y. With `upsample` 2, x is read as if each pixel stood twice in both directions (nearest).
typedef struct lk_conv_args {
  int64_t batch, height, width, channels;       // of x as stored, before `upsample`
  int64_t out_height, out_width, out_channels;
  int64_t kernel_height, kernel_width, stride, pad_top, pad_left;
  int64_t upsample;                             // 1 or 2
  const float *x;
  const void *packed;      // `pack` of [out_channels][ky][kx][channels], so k = kh * kw * channels
  lk_dtype packed_type;
  lk_layout layout;        // LK_WINOGRAD_EARLY only for 3×3 of stride 1 and padding 1
  void *scratch;           // lk_conv_scratch_bytes of these arguments; without it the convolution is
                           // direct, which LK_WINOGRAD_EARLY filters cannot be
  int scratch_threads;     // threads that it is for, 1...LK_MAX_THREADS
  const float *bias;       // [out_channels], or null
  const float *batch_bias; // [batch, out_channels], or null
  const float *residual;   // shape of y, or null; may be y itself
  lk_unary activation;
  float *y;
} lk_conv_args;

typedef enum lk_mask { LK_MASK_NONE = 0, LK_MASK_CAUSAL = 1 } lk_mask;

/// Keys and values of a sequence behind those that all sequences share, and how many.
typedef struct lk_sequence {
  const void *k, *v;
  const float *k_scales, *v_scales;
  int64_t keys;
} lk_sequence;

/// Softmax attention without a stored score matrix (in blocks of 256 keys). Head h of a token lies at
/// h * head_size within that token's row of q, k, v and y. With LK_MASK_CAUSAL query i attends to keys 0 ...
/// i + (keys - queries), or to the last `window` of these (Beltagy et al. 2020, arXiv:2004.05150). Query head h attends to key head h / (heads / key_heads) (grouped-query attention,
/// Ainslie et al. 2023, arXiv:2305.13245). Of a few queries keys and values are read where they lie, and multiplied in f32.
typedef struct lk_attention_args {
  int64_t batch, heads, key_heads, queries, keys, head_size; // key_heads divide heads; head_size up to 1024
  const float *q;
  const void *k, *v;
  lk_dtype stored;         // of k and v: a type of elements, or LK_I8 with scales; strides count these
  const float *k_scales, *v_scales; // of LK_I8: [batch, keys, key_heads], factors of a head's numbers; or null
  int64_t q_batch_stride, q_stride, k_batch_stride, k_stride, v_batch_stride, v_stride;
  float scale;
  float soft_cap;          // a score s becomes soft_cap * tanh(s / soft_cap); 0 for no cap
  const float *bias;       // added to scores behind the cap, by how far a key is from its query, whose place is
                           // query + (keys - queries), of a sequence its last: [heads, bias_stride], distance 0 at
                           // bias_origin, and all distances of these keys; or null
  int64_t bias_stride, bias_origin;
  lk_mask mask;
  int64_t window;          // most keys of a query with LK_MASK_CAUSAL; 0 for no limit
  lk_dtype arithmetic;     // LK_F32, or LK_I16
  bool in_place;           // whether any number of queries is treated as a few are: what comes of one then depends on
                           // itself alone, to the bit
  const lk_sequence *sequences; // of each query, which is the last token of a sequence of its own behind the `keys` that
                           // all share, with the same strides: in_place, LK_MASK_CAUSAL and a batch of 1; or null
  void *scratch;           // lk_attention_scratch_bytes of these arguments; unused if those are 0
  float *y;
  int64_t y_batch_stride, y_stride;
} lk_attention_args;

// ---- The table -----------------------------------------------------------------------------

/// One instruction set's kernels. Rows are contiguous unless a stride is named; y may be x itself
/// where the comment says "in place".
typedef struct lk_kernels {
  lk_isa isa;
  const char *name; // "portable", "avx2", "avx512", "avx512vnni", "amx", "neon", "neondot", "neonhalf"
  bool int16_is_faster;   // whether products of int16 are faster than those of f32, by what instructions do
                          // in a cycle
  bool int8_is_faster;    // whether those of int8 are faster still: where an instruction adds four
  bool has_f16_products;  // whether 16-bit products are of f16, in accumulators of 32 that are folded into f32

  // gemm, conv. Packed layouts (product/layout.h) are the same for every instruction set.
  void (*pack)(const lk_pack_args *args);
  /// A scale of a column that is not finite tells of weights that are not.
  void (*pack_blocks)(const lk_pack_blocks_args *args);
  void (*gemm)(const lk_gemm_args *args);
  void (*conv2d)(const lk_conv_args *args);

  // attention
  void (*attention)(const lk_attention_args *args);
  /// Rotary embedding: x and y are [rows, heads, head_size]. Of each head feature i < half turns with
  /// feature half + i, or, interleaved, feature 2i with 2i + 1, by the angle whose cosine and sine are at
  /// [row, i]; features beyond 2 * half stay. In place.
  void (*rotate)(
    const float *x, int64_t rows, int64_t heads, int64_t head_size, int64_t half, bool is_interleaved,
    const float *cosines, const float *sines, float *y);

  // normalization; y may be x (in place)
  /// x is [batch, positions, channels]; statistics over positions × (channels / groups).
  /// weight and bias are [channels] or null; `silu` applies x * sigmoid(x) to the result.
  void (*group_norm)(
    const float *x, int64_t batch, int64_t positions, int64_t channels, int64_t groups, float eps,
    const float *weight, const float *bias, bool silu, float *y);
  /// Each row to zero mean and unit variance; weight and bias are [columns] or null.
  void (*layer_norm)(
    const float *x, int64_t rows, int64_t columns, float eps, const float *weight,
    const float *bias, float *y);
  /// Each row divided by its root mean square; weight is [columns] or null.
  void (*rms_norm)(
    const float *x, int64_t rows, int64_t columns, float eps, const float *weight, float *y);
  void (*softmax)(const float *x, int64_t rows, int64_t columns, float *y);

  // elementwise; y may be x or, with equal strides, either operand (in place)
  void (*unary)(lk_unary op, const float *x, int64_t count, float *y);
  /// y[r, c] = a[r*a_row + c*a_column] op b[r*b_row + c*b_column]; y is [rows, columns]. Column
  /// strides are 0 or 1, row strides any number, so scalars, rows and columns broadcast.
  void (*binary)(
    lk_binary op, const float *a, int64_t a_row, int64_t a_column, const float *b, int64_t b_row,
    int64_t b_column, int64_t rows, int64_t columns, float *y);
  /// y = scale * x + offset.
  void (*affine)(const float *x, float scale, float offset, int64_t count, float *y);
  /// y = clamp(x, low, high); NaN becomes low.
  void (*clamp)(const float *x, float low, float high, int64_t count, float *y);
  /// y[row, column] = x, or slope[column] · x where x is negative.
  void (*prelu)(const float *x, const float *slope, int64_t rows, int64_t columns, float *y);
  /// f32, f16 and bf16 to one another, round to nearest even; NaN stays NaN, f16 overflow is inf.
  void (*convert)(const void *x, lk_dtype from, int64_t count, void *y, lk_dtype to);

  /// Rows [rows, columns] as int8 in two's complement, to nearest even, with the scale of each: the row's largest
  /// magnitude is 127. The scale of a row that is not finite is not finite.
  void (*quantize)(const float *x, int64_t rows, int64_t columns, int8_t *y, float *scales);

  /// Writes the elements of `count` blocks: ggml's numbers, bit for bit.
  void (*decode)(lk_block_format format, const void *blocks, int64_t count, float *y);
  /// Makes `count` blocks of finite numbers; false, and nothing is written, for a format that has no encoder.
  bool (*encode)(lk_block_format format, const float *x, int64_t count, void *blocks);

  // reduce: over the last axis of [rows, columns] into [rows]
  void (*reduce)(lk_reduction op, const float *x, int64_t rows, int64_t columns, float *y);
  // depthwise: [batch, height, width, channels] by a kernel for each channel, weight [size, size, channels]; bias may
  // be NULL
  void (*depthwise)(
    const float *x, int64_t batch, int64_t height, int64_t width, int64_t channels,
    const float *weight, int64_t size, const float *bias, float *y);

  /// Peak of the arithmetic that weights of LK_F32, LK_I16 or LK_I8 are multiplied with: multiplies and adds
  /// in registers on all threads, and returns operations a second while threads had a processor, of all of
  /// them together.
  double (*spin)(lk_dtype type, int64_t rounds);
} lk_kernels;

/// Bytes of `pack`'s result, a multiple of 64.
size_t lk_packed_bytes(int64_t n, int64_t k, lk_dtype type, lk_layout layout);

/// Bytes of scratch that Winograd's algorithm needs for a convolution whose other arguments are set; 0
/// where it does not fit.
size_t lk_conv_scratch_bytes(const lk_conv_args *args);

/// Bytes of scratch that `attention` needs for arguments that are set but for it.
size_t lk_attention_scratch_bytes(const lk_attention_args *args);

/// Whether this processor runs `isa`.
bool lk_isa_supported(lk_isa isa);
/// The kernels of `isa`, or null where it is not built in or this processor lacks it.
const lk_kernels *lk_kernels_for(lk_isa isa);
/// The best for this processor, chosen once; the environment's LANTERN_ISA (portable, avx2, avx512,
/// avx512vnni, neon, neondot, neonhalf) overrides where it can run.
const lk_kernels *lk_kernels_best(void);

// ---- Movement: bytes only, so one variant for every instruction set -----------------------------

enum { LK_MAX_AXES = 16 };
/// Copies a strided array of up to LK_MAX_AXES axes into a contiguous one. Strides are in elements of
/// `element_size` (1, 2, 4 or 8) bytes and may be 0 or negative.
void lk_copy_strided(
  const void *x, const int64_t *strides, const int64_t *shape, int rank, size_t element_size,
  void *y);
/// y[i, :] = table[index[i], :]; `row_bytes` bytes a row. Indices are in range.
void lk_gather_rows(
  const void *table, size_t row_bytes, const int32_t *index, int64_t count, void *y);
/// y[b, h*factor, w*factor, :] from x [b, h, w, channels], nearest.
void lk_upsample_nearest(
  const float *x, int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t factor,
  float *y);

/// Whether no element is NaN or infinite.
bool lk_all_finite(const void *x, lk_dtype type, int64_t count);

// ---- Plain f32 matrix products ---------------------------------------------------------------

/// c[m, n] = a · b with BLAS (OpenBLAS, loaded on first use with the core type that this processor
/// deserves; Accelerate on macOS). `a` is [m, k] or, transposed, [k, m]; `b` is [k, n] or [n, k].
/// Without a BLAS it is lk_matmul_packed, for which it is given `workspace`.
void lk_matmul(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, bool a_transposed,
  const float *b, int64_t b_stride, bool b_transposed, float *c, int64_t c_stride,
  void *workspace);
/// The same by the kernels above: it packs b, and copies a where that is transposed, into `workspace` of
/// lk_matmul_packed_bytes of the same arguments.
void lk_matmul_packed(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, bool a_transposed,
  const float *b, int64_t b_stride, bool b_transposed, float *c, int64_t c_stride,
  void *workspace);
size_t lk_matmul_packed_bytes(int64_t m, int64_t n, int64_t k, bool a_transposed);
/// Eigenvalues of the symmetric matrix a[n, n], ascending, and in a its eigenvectors as rows, by LAPACK's
/// dsyev of the same library. False where there is none, or it did not converge; a is then undefined.
bool lk_symmetric_eigen(int64_t n, double *a, double *values);
/// "OpenBLAS", "Accelerate" or "none".
const char *lk_blas_name(void);

#ifdef __cplusplus
}
#endif

#endif
