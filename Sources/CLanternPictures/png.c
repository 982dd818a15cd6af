#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "lantern_pictures.h"

struct lp_png_reader {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t count, position;
  uint32_t width, height;
  bool is_out_of_memory;
  char message[LP_MESSAGE_SIZE];
};

static void set_message(char message[LP_MESSAGE_SIZE], const char *text) {
  strncpy(message, text ? text : "unknown error", LP_MESSAGE_SIZE - 1);
  message[LP_MESSAGE_SIZE - 1] = 0;
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

/// libpng allocates here, so that running out of memory is distinguished from other errors. `mem_ptr` is a
/// `bool`.
static png_voidp take(png_structp png, png_alloc_size_t size) {
  void *memory = malloc(size);
  if (!memory) *(bool *)png_get_mem_ptr(png) = true;
  return memory;
}

static void give(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

// ---- Reading ---------------------------------------------------------------------------------

static void on_read_error(png_structp png, png_const_charp text) {
  lp_png_reader *reader = png_get_error_ptr(png);
  set_message(reader->message, text);
  png_longjmp(png, 1);
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  lp_png_reader *reader = png_get_io_ptr(png);
  if (count > reader->count - reader->position) png_error(png, "the file ends too soon");
  memcpy(out, reader->bytes + reader->position, count);
  reader->position += count;
}

lp_png_reader *lp_png_reader_open(const uint8_t *bytes, size_t count) {
  lp_png_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->count = count;
  reader->png = png_create_read_struct_2(
    PNG_LIBPNG_VER_STRING, reader, on_read_error, ignore_warning, &reader->is_out_of_memory, take,
    give);
  if (reader->png) reader->info = png_create_info_struct(reader->png);
  if (!reader->info) {
    lp_png_reader_close(reader);
    return NULL;
  }
  return reader;
}

void lp_png_reader_close(lp_png_reader *reader) {
  if (!reader) return;
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader);
}

const char *lp_png_reader_message(const lp_png_reader *reader) { return reader->message; }

static lp_status failure(const lp_png_reader *reader) {
  return reader->is_out_of_memory ? LP_OUT_OF_MEMORY : LP_DAMAGED;
}

/// libpng passes over a chunk that finds no memory, with a warning alone.
static lp_status success(const lp_png_reader *reader) {
  return reader->is_out_of_memory ? LP_OUT_OF_MEMORY : LP_OK;
}

lp_status lp_png_reader_header(
  lp_png_reader *reader, uint32_t *width, uint32_t *height, int *channels) {
  png_structp png = reader->png;
  png_infop info = reader->info;
  if (setjmp(png_jmpbuf(png))) return failure(reader);
  png_set_read_fn(png, reader, read_bytes);
  png_set_user_limits(png, 1000000, 1000000);
  // Texts, profiles and the like are read from the chunks before.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
#endif
  png_read_info(png, info);
  reader->width = png_get_image_width(png, info);
  reader->height = png_get_image_height(png, info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  bool may_be_transparent = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA ||
                            png_get_valid(png, info, PNG_INFO_tRNS);
  *width = reader->width;
  *height = reader->height;
  *channels = may_be_transparent ? 4 : 3;
  return success(reader);
}

lp_status lp_png_reader_pixels(lp_png_reader *reader, uint8_t *pixels) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return failure(reader);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
  size_t row_bytes = png_get_rowbytes(png, reader->info);
  bool has_alpha = png_get_color_type(png, reader->info) & PNG_COLOR_MASK_ALPHA;
  bool may_be_transparent = has_alpha || png_get_valid(png, reader->info, PNG_INFO_tRNS);
  if (row_bytes != (size_t)reader->width * (may_be_transparent ? 4 : 3))
    png_error(png, "rows of an unexpected size");
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < reader->height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
  png_read_end(png, reader->info);
  return success(reader);
}

// ---- Writing ---------------------------------------------------------------------------------

typedef struct writer {
  lp_buffer *out;
  size_t capacity;
  png_text *texts;
  char *message;
  bool is_out_of_memory;
} writer;

static void on_write_error(png_structp png, png_const_charp text) {
  set_message(((writer *)png_get_error_ptr(png))->message, text);
  png_longjmp(png, 1);
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  writer *w = png_get_io_ptr(png);
  if (count > w->capacity - w->out->count) {
    size_t capacity = w->capacity * 2 + count + 65536;
    uint8_t *grown = realloc(w->out->bytes, capacity);
    if (!grown) {
      w->is_out_of_memory = true;
      png_error(png, "out of memory");
    }
    w->out->bytes = grown;
    w->capacity = capacity;
  }
  memcpy(w->out->bytes + w->out->count, bytes, count);
  w->out->count += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static bool write_all(
  png_structp png, png_infop info, writer *w, const uint8_t *pixels, uint32_t width,
  uint32_t height, int channels, int text_count) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_write_fn(png, w, write_bytes, flush_nothing);
  int type = channels == 1   ? PNG_COLOR_TYPE_GRAY
             : channels == 3 ? PNG_COLOR_TYPE_RGB
                             : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(
    png, info, width, height, 8, type,
    PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (text_count) png_set_text(png, info, w->texts, text_count);
  png_write_info(png, info);
  for (size_t y = 0; y < height; y++)
    png_write_row(png, pixels + y * (size_t)width * (size_t)channels);
  png_write_end(png, info);
  return true;
}

lp_status lp_png_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int channels, const lp_text *texts,
  size_t text_count, lp_buffer *out, char message[LP_MESSAGE_SIZE]) {
  *out = (lp_buffer){NULL, 0};
  set_message(message, "");
  writer w = {out, 0, calloc(text_count + 1, sizeof(png_text)), message, false};
  png_structp png = w.texts ? png_create_write_struct_2(
                                PNG_LIBPNG_VER_STRING, &w, on_write_error, ignore_warning,
                                &w.is_out_of_memory, take, give)
                            : NULL;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  bool done = false;
  if (info) {
    for (size_t i = 0; i < text_count; i++) {
      w.texts[i].compression =
        texts[i].is_utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
      w.texts[i].key = (char *)texts[i].key;
      w.texts[i].text = (char *)texts[i].bytes;
      if (texts[i].is_utf8)
        w.texts[i].itxt_length = texts[i].count;
      else
        w.texts[i].text_length = texts[i].count;
    }
    done = write_all(png, info, &w, pixels, width, height, channels, (int)text_count);
  }
  if (png) png_destroy_write_struct(&png, &info);
  free(w.texts);
  if (!done) {
    free(out->bytes);
    *out = (lp_buffer){NULL, 0};
  }
  if (done) return LP_OK;
  return !info || w.is_out_of_memory ? LP_OUT_OF_MEMORY : LP_DAMAGED;
}
