#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "lantern_pictures.h"

// A progressive file may hold any number of scans over the same pixels; honest ones hold about ten.
// Each costs as much as there are blocks of pixels: beyond so many, a scan must have a byte for so
// many blocks.
#define FREE_SCANS 16
#define BLOCKS_PER_BYTE 16

/// The error handler of libjpeg: `base` must come first.
typedef struct error_manager {
  struct jpeg_error_mgr base;
  jmp_buf exit;
  char message[LP_MESSAGE_SIZE];
} error_manager;

_Static_assert(LP_MESSAGE_SIZE >= JMSG_LENGTH_MAX, "messages must fit");

static void on_error(j_common_ptr cinfo) {
  error_manager *errors = (error_manager *)cinfo->err;
  errors->base.format_message(cinfo, errors->message);
  longjmp(errors->exit, 1);
}

/// Warnings that mean lost pixels are errors to us; the others are passed over.
static void on_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;
  switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      on_error(cinfo);
  }
}

static void print_nothing(j_common_ptr cinfo) { (void)cinfo; }

static struct jpeg_error_mgr *prepare(error_manager *errors) {
  struct jpeg_error_mgr *base = jpeg_std_error(&errors->base);
  base->error_exit = on_error;
  base->emit_message = on_message;
  base->output_message = print_nothing;
  return base;
}

// ---- Reading ---------------------------------------------------------------------------------

struct lp_jpeg_reader {
  struct jpeg_decompress_struct jpeg;
  error_manager errors;
  struct jpeg_progress_mgr progress;
  const uint8_t *bytes;
  size_t count;
  uint8_t *row;
};

static lp_status failure(const error_manager *errors) {
  return errors->base.msg_code == JERR_OUT_OF_MEMORY ? LP_OUT_OF_MEMORY : LP_DAMAGED;
}

static void check_scans(j_common_ptr cinfo) {
  j_decompress_ptr jpeg = (j_decompress_ptr)cinfo;
  if (jpeg->input_scan_number <= FREE_SCANS) return;
  lp_jpeg_reader *reader = jpeg->client_data;
  uint64_t blocks = ((uint64_t)jpeg->image_width + 7) / 8 * ((jpeg->image_height + 7) / 8);
  uint64_t paid = (uint64_t)BLOCKS_PER_BYTE * reader->count;
  if ((uint64_t)(jpeg->input_scan_number - FREE_SCANS) * blocks > paid) {
    error_manager *errors = (error_manager *)cinfo->err;
    strncpy(errors->message, "far too many scans", LP_MESSAGE_SIZE - 1);
    longjmp(errors->exit, 1);
  }
}

lp_jpeg_reader *lp_jpeg_reader_open(const uint8_t *bytes, size_t count) {
  lp_jpeg_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->count = count;
  reader->jpeg.err = prepare(&reader->errors);
  reader->jpeg.client_data = reader;
  if (setjmp(reader->errors.exit)) {
    lp_jpeg_reader_close(reader);
    return NULL;
  }
  jpeg_create_decompress(&reader->jpeg);
  return reader;
}

void lp_jpeg_reader_close(lp_jpeg_reader *reader) {
  if (!reader) return;
  jpeg_destroy_decompress(&reader->jpeg);
  free(reader->row);
  free(reader);
}

const char *lp_jpeg_reader_message(const lp_jpeg_reader *reader) {
  return reader->errors.message;
}

lp_status lp_jpeg_reader_header(lp_jpeg_reader *reader, uint32_t *width, uint32_t *height) {
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  if (setjmp(reader->errors.exit)) return failure(&reader->errors);
  jpeg_mem_src(jpeg, reader->bytes, reader->count);
  jpeg->progress = &reader->progress;
  reader->progress.progress_monitor = check_scans;
  jpeg_read_header(jpeg, TRUE);
  *width = jpeg->image_width;
  *height = jpeg->image_height;
  return LP_OK;
}

/// Inverted ink, as Adobe's programs store it, to light.
static void rgb_from_cmyk(const uint8_t *cmyk, size_t width, uint8_t *rgb) {
  for (size_t x = 0; x < width; x++)
    for (size_t c = 0; c < 3; c++) {
      unsigned product = cmyk[4 * x + c] * (unsigned)cmyk[4 * x + 3];
      rgb[3 * x + c] = (uint8_t)((product + 127) / 255);
    }
}

lp_status lp_jpeg_reader_pixels(lp_jpeg_reader *reader, uint8_t *pixels) {
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  if (setjmp(reader->errors.exit)) return failure(&reader->errors);
  bool is_ink = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = is_ink ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  size_t width = jpeg->output_width;
  if (is_ink) {
    reader->row = malloc(width * 4);
    if (!reader->row) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *out = pixels + (size_t)jpeg->output_scanline * width * 3;
    JSAMPROW row = is_ink ? reader->row : out;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (is_ink) rgb_from_cmyk(reader->row, width, out);
  }
  jpeg_finish_decompress(jpeg);
  return LP_OK;
}

// ---- Writing ---------------------------------------------------------------------------------

typedef struct writer {
  struct jpeg_compress_struct jpeg;
  error_manager errors;
  unsigned char *bytes;
  unsigned long count;
  bool has_destination;
} writer;

static bool write_all(
  writer *w, const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
  const lp_marker *markers, size_t marker_count) {
  struct jpeg_compress_struct *jpeg = &w->jpeg;
  if (setjmp(w->errors.exit)) return false;
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &w->bytes, &w->count);
  w->has_destination = true;
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg->optimize_coding = TRUE;
  jpeg_start_compress(jpeg, TRUE);
  for (size_t i = 0; i < marker_count; i++)
    jpeg_write_marker(jpeg, markers[i].code, markers[i].bytes, (unsigned)markers[i].count);
  while (jpeg->next_scanline < jpeg->image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg->next_scanline * width * 3);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
  return true;
}

lp_status lp_jpeg_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int quality, const lp_marker *markers,
  size_t marker_count, lp_buffer *out, char message[LP_MESSAGE_SIZE]) {
  *out = (lp_buffer){NULL, 0};
  writer *w = calloc(1, sizeof *w);
  if (!w) return LP_OUT_OF_MEMORY;
  w->jpeg.err = prepare(&w->errors);
  bool done = write_all(w, pixels, width, height, quality, markers, marker_count);
  // libjpeg reports a buffer it outgrew to the caller only when it is done. A destination that found no
  // memory for its first buffer knows of none.
  if (!done && w->has_destination) w->jpeg.dest->term_destination(&w->jpeg);
  if (done)
    *out = (lp_buffer){w->bytes, w->count};
  else
    free(w->bytes);
  memcpy(message, w->errors.message, LP_MESSAGE_SIZE);
  lp_status status = done ? LP_OK : failure(&w->errors);
  jpeg_destroy_compress(&w->jpeg);
  free(w);
  return status;
}
