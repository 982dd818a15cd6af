#include <string.h>

#include "../include/lantern_kernels.h"

void lk_copy_strided(
  const void *x, const int64_t *strides, const int64_t *shape, int rank, size_t element_size,
  void *y) {
  const char *source = x;
  char *target = y;
  int64_t run = rank > 0 ? shape[rank - 1] : 1;
  int64_t step = rank > 0 ? strides[rank - 1] * (int64_t)element_size : 0;
  int64_t index[LK_MAX_AXES] = {0};
  for (int axis = 0; axis < rank; axis++) {
    if (shape[axis] == 0) return;
  }
  for (;;) {
    if (step == (int64_t)element_size) {
      memcpy(target, source, (size_t)run * element_size);
    } else if (element_size == 4) {
      for (int64_t i = 0; i < run; i++) memcpy(target + 4 * i, source + i * step, 4);
    } else if (element_size == 2) {
      for (int64_t i = 0; i < run; i++) memcpy(target + 2 * i, source + i * step, 2);
    } else {
      for (int64_t i = 0; i < run; i++) {
        memcpy(target + (size_t)i * element_size, source + i * step, element_size);
      }
    }
    target += (size_t)run * element_size;
    int axis = rank - 2;
    for (; axis >= 0; axis--) {
      source += strides[axis] * (int64_t)element_size;
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis] * (int64_t)element_size;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

void lk_gather_rows(
  const void *table, size_t row_bytes, const int32_t *index, int64_t count, void *y) {
  for (int64_t i = 0; i < count; i++) {
    memcpy(
      (char *)y + (size_t)i * row_bytes, (const char *)table + (size_t)index[i] * row_bytes,
      row_bytes);
  }
}

void lk_upsample_nearest(
  const float *x, int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t factor,
  float *y) {
  size_t pixel = (size_t)channels * sizeof *x;
  for (int64_t row = 0; row < batch * height; row++) {
    float *first = y;
    for (int64_t column = 0; column < width; column++) {
      for (int64_t i = 0; i < factor; i++, y += channels) {
        memcpy(y, x + (row * width + column) * channels, pixel);
      }
    }
    for (int64_t i = 1; i < factor; i++, y += width * factor * channels) {
      memcpy(y, first, (size_t)(width * factor) * pixel);
    }
  }
}
