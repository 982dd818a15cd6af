// BLAS for plain f32 matrix products, and LAPACK for eigenvalues. OpenBLAS is loaded on first use rather than linked: it reads
// OPENBLAS_CORETYPE as it loads, without which old versions take new processors for ancient ones, at a fifth
// of the speed.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../include/lantern_kernels.h"

#if defined(__APPLE__)
#define ACCELERATE_NEW_LAPACK
#include <Accelerate/Accelerate.h>

static void load_blas(void) {}
static bool has_blas(void) { return true; }
static bool has_lapack(void) { return true; }
static void lapack_dsyev(
  char *job, char *half, int *n, double *a, int *lda, double *w, double *work, int *lwork, int *info) {
  dsyev_(job, half, n, a, lda, w, work, lwork, info);
}
const char *lk_blas_name(void) { return "Accelerate"; }

#else
#include <dlfcn.h>
#include <pthread.h>

enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };

static struct {
  void (*sgemm)(
    int order, int a_trans, int b_trans, int m, int n, int k, float alpha, const float *a, int lda,
    const float *b, int ldb, float beta, float *c, int ldc);
  void (*set_threads)(int count);
  void (*dsyev)(
    char *job, char *half, int *n, double *a, int *lda, double *w, double *work, int *lwork, int *info);
} blas;

static void open_blas(void) {
#if defined(__x86_64__)
  if (lk_isa_supported(LK_AVX512)) {
    setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0);
  } else if (lk_isa_supported(LK_AVX2)) {
    setenv("OPENBLAS_CORETYPE", "HASWELL", 0);
  }
#endif
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  *(void **)&blas.sgemm = dlsym(library, "cblas_sgemm");
  *(void **)&blas.dsyev = dlsym(library, "dsyev_");
  *(void **)&blas.set_threads = dlsym(library, "openblas_set_num_threads");
}

static void load_blas(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_blas);
}

static bool has_blas(void) { return blas.sgemm != NULL; }
static bool has_lapack(void) { return blas.dsyev != NULL; }

static void lapack_dsyev(
  char *job, char *half, int *n, double *a, int *lda, double *w, double *work, int *lwork, int *info) {
  if (blas.set_threads) blas.set_threads(lk_threads());
  blas.dsyev(job, half, n, a, lda, w, work, lwork, info);
}

static void cblas_sgemm(
  int order, int a_trans, int b_trans, int m, int n, int k, float alpha, const float *a, int lda,
  const float *b, int ldb, float beta, float *c, int ldc) {
  if (blas.set_threads) blas.set_threads(lk_threads());
  blas.sgemm(order, a_trans, b_trans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

const char *lk_blas_name(void) {
  load_blas();
  return has_blas() ? "OpenBLAS" : "none";
}
#endif

size_t lk_matmul_packed_bytes(int64_t m, int64_t n, int64_t k, bool a_transposed) {
  return lk_packed_bytes(n, k, LK_F32, LK_MATRIX) + (a_transposed ? 4 * (size_t)m * (size_t)k : 0);
}

void lk_matmul_packed(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, bool a_transposed,
  const float *b, int64_t b_stride, bool b_transposed, float *c, int64_t c_stride,
  void *workspace) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    for (int64_t row = 0; row < m; row++) memset(c + row * c_stride, 0, (size_t)n * 4);
    return;
  }
  const lk_kernels *kernels = lk_kernels_best();
  lk_pack_args packing = {
    .weight = b, .from = LK_F32, .n = n, .k = k, .row_stride = b_stride,
    .transposed = !b_transposed, .packed = workspace, .to = LK_F32};
  kernels->pack(&packing);
  if (a_transposed) {
    float *rows = (float *)((char *)workspace + lk_packed_bytes(n, k, LK_F32, LK_MATRIX));
    lk_copy_strided(a, (int64_t[]){1, a_stride}, (int64_t[]){m, k}, 2, 4, rows);
    a = rows;
    a_stride = k;
  }
  lk_gemm_args args = {
    .m = m, .n = n, .k = k, .x = a, .x_stride = a_stride, .packed = workspace,
    .packed_type = LK_F32, .activation = LK_IDENTITY, .y = c, .y_stride = c_stride};
  kernels->gemm(&args);
}

void lk_matmul(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, bool a_transposed,
  const float *b, int64_t b_stride, bool b_transposed, float *c, int64_t c_stride,
  void *workspace) {
  if (m <= 0 || n <= 0) return;
  load_blas();
  bool fits = m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX && a_stride <= INT32_MAX &&
              b_stride <= INT32_MAX && c_stride <= INT32_MAX;
  if (!has_blas() || !fits || k == 0) {
    lk_matmul_packed(
      m, n, k, a, a_stride, a_transposed, b, b_stride, b_transposed, c, c_stride, workspace);
    return;
  }
  cblas_sgemm(
    CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans,
    (int)m, (int)n, (int)k, 1, a, (int)a_stride, b, (int)b_stride, 0, c, (int)c_stride);
}

bool lk_symmetric_eigen(int64_t n, double *a, double *values) {
  load_blas();
  if (!has_lapack() || n <= 0 || n > 1 << 14) return false;
  int size = (int)n, lwork = 34 * size, info = -1;
  double *work = malloc((size_t)lwork * sizeof(double));
  if (!work) return false;
  // Of a symmetric matrix, rows and columns are the same.
  char job = 'V', half = 'L';
  lapack_dsyev(&job, &half, &size, a, &size, values, work, &lwork, &info);
  free(work);
  return info == 0;
}
