#ifndef LANTERN_PICTURES_H
#define LANTERN_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// libpng and libjpeg report errors by longjmp, which must never cross Swift's frames. Everything
// that may fail is therefore done in here: a function returns a status, and the reader or the
// message says why. Nothing is printed, and what failed has kept nothing.

#define LP_MESSAGE_SIZE 208

/// Whether so many bytes can be had.
bool lp_has_memory(size_t bytes);

/// How something ended.
typedef enum lp_status { LP_OK, LP_DAMAGED, LP_OUT_OF_MEMORY } lp_status;

/// Bytes from malloc, to be given to free; null where there are none.
typedef struct lp_buffer {
  uint8_t *bytes;
  size_t count;
} lp_buffer;

/// A text of a PNG. `is_utf8` is false for Latin-1.
typedef struct lp_text {
  const char *key;
  const char *bytes;
  size_t count;
  bool is_utf8;
} lp_text;

// ---- Packed bytes ----------------------------------------------------------------------------

/// Unpacks a zlib stream. What comes before an error, or before `limit` bytes are full and more would
/// follow (LP_DAMAGED too), is in `out` all the same.
lp_status lp_inflate(const uint8_t *bytes, size_t count, size_t limit, lp_buffer *out);
/// The same of a deflate stream without zlib's frame, as ZIP archives have it.
lp_status lp_inflate_raw(const uint8_t *bytes, size_t count, size_t limit, lp_buffer *out);
/// Whether CRC-32, as PNG's chunks have it, is what is expected.
bool lp_checksum_is(const uint8_t *bytes, size_t count, uint32_t expected);

// ---- PNG -------------------------------------------------------------------------------------

typedef struct lp_png_reader lp_png_reader;

/// A reader of `bytes`, which must outlive it; null for want of memory.
lp_png_reader *lp_png_reader_open(const uint8_t *bytes, size_t count);
void lp_png_reader_close(lp_png_reader *reader);
/// Why the last call failed.
const char *lp_png_reader_message(const lp_png_reader *reader);
/// Reads up to the pixels, metadata skipped. `channels` becomes 3, or 4 where anything
/// may be transparent.
lp_status lp_png_reader_header(
  lp_png_reader *reader, uint32_t *width, uint32_t *height, int *channels);
/// Reads all pixels as `[height, width, channels]`, 8 bits each, and what follows them. Once, after
/// the header.
lp_status lp_png_reader_pixels(lp_png_reader *reader, uint8_t *pixels);

/// Encodes `[height, width, channels]`, 8 bits each; `channels` is 1 or 3. Keys are Latin-1, 1 to 79
/// bytes; texts hold no zero byte and end with one.
lp_status lp_png_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int channels, const lp_text *texts,
  size_t text_count, lp_buffer *out, char message[LP_MESSAGE_SIZE]);

// ---- JPEG ------------------------------------------------------------------------------------

typedef struct lp_jpeg_reader lp_jpeg_reader;

/// A marker of a JPEG to write: an APP1 segment or a comment.
typedef struct lp_marker {
  int code;
  const uint8_t *bytes;
  size_t count;
} lp_marker;

#define LP_JPEG_APP1 0xE1
#define LP_JPEG_COMMENT 0xFE

/// A reader of `bytes`, which must outlive it; null for want of memory.
lp_jpeg_reader *lp_jpeg_reader_open(const uint8_t *bytes, size_t count);
void lp_jpeg_reader_close(lp_jpeg_reader *reader);
/// Why the last call failed.
const char *lp_jpeg_reader_message(const lp_jpeg_reader *reader);
/// Reads up to the pixels.
lp_status lp_jpeg_reader_header(lp_jpeg_reader *reader, uint32_t *width, uint32_t *height);
/// Reads all pixels as `[height, width, 3]`, 8 bits each. Once, after the header.
lp_status lp_jpeg_reader_pixels(lp_jpeg_reader *reader, uint8_t *pixels);
/// Encodes `[height, width, 3]`, 8 bits each. Markers take at most 65,533 bytes each.
lp_status lp_jpeg_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int quality, const lp_marker *markers,
  size_t marker_count, lp_buffer *out, char message[LP_MESSAGE_SIZE]);

// ---- Resampling ------------------------------------------------------------------------------

/// Windows of resampling: Lanczos' of three lobes, and the cubic one of Keys with a = −1/2.
typedef enum { LP_LANCZOS, LP_BICUBIC } lp_window;

/// Resizes `[height, width, channels]` to `[new_height, new_width, channels]`, 8 bits each, by a
/// window that is widened when shrinking: Pillow's `Image.LANCZOS` and `Image.BICUBIC`, bit for bit.
/// Sizes are positive. False for want of memory.
bool lp_resample(
  const uint8_t *pixels, size_t width, size_t height, size_t channels, uint8_t *out,
  size_t new_width, size_t new_height, lp_window window);

#ifdef __cplusplus
}
#endif

#endif
