#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lantern_pictures.h"

// After Pillow's src/libImaging/Resample.c (8 bits a channel): weights in fixed point, rows first,
// then columns, each rounded to 8 bits.

#define PRECISION 22
#define LOBES 3.0
#define CUBIC_SUPPORT 2.0

typedef struct weights {
  size_t taps;       // room for each output
  size_t *first;     // where an output's window begins
  size_t *count;     // how many inputs it takes
  int32_t *weight;   // [output, taps]
} weights;

static double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= 3.14159265358979323846;
  return sin(x) / x;
}

static double lanczos(double x) {
  return -LOBES <= x && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0.0;
}

// Keys 1981 with a = -1/2, in the order of Pillow's operations.
static double bicubic(double x) {
  const double a = -0.5;
  if (x < 0.0) x = -x;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  return x < CUBIC_SUPPORT ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static void release(weights *w) {
  free(w->first);
  free(w->count);
  free(w->weight);
}

static bool prepare(weights *w, size_t size, size_t new_size, lp_window window) {
  double scale = (double)size / (double)new_size;
  double stretch = scale < 1.0 ? 1.0 : scale;
  double support = (window == LP_BICUBIC ? CUBIC_SUPPORT : LOBES) * stretch;
  w->taps = (size_t)ceil(support) * 2 + 1;
  w->first = calloc(new_size, sizeof *w->first);
  w->count = calloc(new_size, sizeof *w->count);
  w->weight = calloc(new_size * w->taps, sizeof *w->weight);
  double *raw = malloc(w->taps * sizeof *raw);
  if (!w->first || !w->count || !w->weight || !raw) {
    free(raw);
    return false;
  }
  for (size_t i = 0; i < new_size; i++) {
    double center = ((double)i + 0.5) * scale;
    double begin = center - support + 0.5;
    double end = center + support + 0.5;
    size_t low = begin < 0 ? 0 : (size_t)begin;
    size_t high = end > (double)size ? size : (size_t)end;
    double sum = 0;
    for (size_t k = low; k < high; k++) {
      double x = ((double)k - center + 0.5) / stretch;
      raw[k - low] = window == LP_BICUBIC ? bicubic(x) : lanczos(x);
      sum += raw[k - low];
    }
    w->first[i] = low;
    w->count[i] = high - low;
    for (size_t k = 0; k < high - low; k++) {
      double fixed = (sum != 0 ? raw[k] / sum : raw[k]) * (1 << PRECISION);
      w->weight[i * w->taps + k] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  free(raw);
  return true;
}

static uint8_t rounded(int32_t sum) {
  int32_t value = sum >> PRECISION;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void resample_rows(
  const weights *w, const uint8_t *x, size_t width, size_t height, size_t channels, uint8_t *y,
  size_t new_width) {
  for (size_t row = 0; row < height; row++, x += width * channels)
    for (size_t i = 0; i < new_width; i++) {
      const int32_t *weight = w->weight + i * w->taps;
      const uint8_t *from = x + w->first[i] * channels;
      for (size_t c = 0; c < channels; c++) {
        int32_t sum = 1 << (PRECISION - 1);
        for (size_t k = 0; k < w->count[i]; k++) sum += from[k * channels + c] * weight[k];
        *y++ = rounded(sum);
      }
    }
}

static void resample_columns(
  const weights *w, const uint8_t *x, size_t row_bytes, uint8_t *y, size_t new_height,
  int32_t *sums) {
  for (size_t i = 0; i < new_height; i++) {
    for (size_t b = 0; b < row_bytes; b++) sums[b] = 1 << (PRECISION - 1);
    for (size_t k = 0; k < w->count[i]; k++) {
      const uint8_t *from = x + (w->first[i] + k) * row_bytes;
      int32_t weight = w->weight[i * w->taps + k];
      for (size_t b = 0; b < row_bytes; b++) sums[b] += from[b] * weight;
    }
    for (size_t b = 0; b < row_bytes; b++) *y++ = rounded(sums[b]);
  }
}

bool lp_resample(
  const uint8_t *pixels, size_t width, size_t height, size_t channels, uint8_t *out,
  size_t new_width, size_t new_height, lp_window window) {
  weights across = {0}, down = {0};
  size_t row_bytes = new_width * channels;
  uint8_t *between = malloc(row_bytes * height);
  int32_t *sums = malloc(row_bytes * sizeof *sums);
  bool ready = between && sums && prepare(&across, width, new_width, window) &&
               prepare(&down, height, new_height, window);
  if (ready) {
    if (new_width == width)
      memcpy(between, pixels, row_bytes * height);
    else
      resample_rows(&across, pixels, width, height, channels, between, new_width);
    if (new_height == height)
      memcpy(out, between, row_bytes * height);
    else
      resample_columns(&down, between, row_bytes, out, new_height, sums);
  }
  release(&across);
  release(&down);
  free(between);
  free(sums);
  return ready;
}
