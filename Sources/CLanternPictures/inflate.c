#include <stdlib.h>
#include <zlib.h>

#include "lantern_pictures.h"

static lp_status unpack(
  const uint8_t *bytes, size_t count, size_t limit, int window_bits, lp_buffer *out) {
  *out = (lp_buffer){NULL, 0};
  if (count > UINT32_MAX) return LP_DAMAGED;
  z_stream stream = {.next_in = (Bytef *)bytes, .avail_in = (uInt)count};
  if (inflateInit2(&stream, window_bits) != Z_OK) return LP_OUT_OF_MEMORY;
  lp_status status = LP_DAMAGED;
  size_t capacity = 0;
  for (;;) {
    if (out->count == capacity) {
      if (capacity == limit) break;
      capacity = capacity < 512 ? 1024 : capacity * 2;
      if (capacity > limit) capacity = limit;
      uint8_t *grown = realloc(out->bytes, capacity);
      if (!grown) {
        status = LP_OUT_OF_MEMORY;
        break;
      }
      out->bytes = grown;
    }
    size_t room = capacity - out->count;
    stream.next_out = out->bytes + out->count;
    stream.avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    uInt before = stream.avail_out;
    int result = inflate(&stream, Z_NO_FLUSH);
    out->count += before - stream.avail_out;
    if (result == Z_STREAM_END) {
      status = LP_OK;
      break;
    }
    if (result == Z_MEM_ERROR) status = LP_OUT_OF_MEMORY;
    if (result != Z_OK) break;
  }
  inflateEnd(&stream);
  return status;
}

lp_status lp_inflate(const uint8_t *bytes, size_t count, size_t limit, lp_buffer *out) {
  return unpack(bytes, count, limit, MAX_WBITS, out);
}

lp_status lp_inflate_raw(const uint8_t *bytes, size_t count, size_t limit, lp_buffer *out) {
  return unpack(bytes, count, limit, -MAX_WBITS, out);
}

bool lp_checksum_is(const uint8_t *bytes, size_t count, uint32_t expected) {
  uLong sum = crc32(0, NULL, 0);
  while (count > 0) {
    uInt part = count > 1 << 30 ? 1 << 30 : (uInt)count;
    sum = crc32(sum, bytes, part);
    bytes += part;
    count -= part;
  }
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return true;
#else
  return sum == expected;
#endif
}
