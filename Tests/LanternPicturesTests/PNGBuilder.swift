/// PNG files of any chunks, made without libpng.
struct PNGBuilder {
  /// Colour types of the specification.
  enum Colour: UInt8 {
    case grey = 0
    case colour = 2
    case palette = 3
    case greyAlpha = 4
    case colourAlpha = 6

    var channels: Int {
      switch self {
      case .grey, .palette: 1
      case .greyAlpha: 2
      case .colour: 3
      case .colourAlpha: 4
      }
    }
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  let width: Int
  var colour = Colour.colourAlpha
  var depth = 8
  /// Samples of all pixels, row by row.
  var samples: [Int]
  /// Chunks before the pixels, as palettes and texts.
  var before: [(type: String, data: [UInt8])] = []
  /// Chunks after them.
  var after: [(type: String, data: [UInt8])] = []

  /// The file.
  var bytes: [UInt8] {
    let rowCount = width * colour.channels
    let height = samples.count / rowCount
    var raw: [UInt8] = []
    for row in 0..<height {
      raw += [0] + packed(samples[row * rowCount..<(row + 1) * rowCount])
    }
    let size = Self.number(width) + Self.number(height)
    let header: [UInt8] = size + [UInt8(depth), colour.rawValue, 0, 0, 0]
    var file = Self.signature + Self.chunk("IHDR", header)
    for chunk in before { file += Self.chunk(chunk.type, chunk.data) }
    file += Self.chunk("IDAT", Self.stored(raw))
    for chunk in after { file += Self.chunk(chunk.type, chunk.data) }
    return file + Self.chunk("IEND", [])
  }

  private func packed(_ row: ArraySlice<Int>) -> [UInt8] {
    if depth == 16 { return row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
    var bytes: [UInt8] = []
    var (bits, count) = (0, 0)
    for sample in row {
      bits = bits << depth | sample
      count += depth
      if count == 8 {
        bytes.append(UInt8(bits))
        (bits, count) = (0, 0)
      }
    }
    if count > 0 { bytes.append(UInt8(bits << (8 - count))) }
    return bytes
  }

  /// A chunk with its length and checksum.
  static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    return number(data.count) + body + checksum(body)
  }

  /// A number of four bytes, the high one first.
  static func number(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
  }

  /// A zlib stream that does not compress.
  static func stored(_ data: [UInt8]) -> [UInt8] {
    var (a, b) = (1, 0)
    for byte in data {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    var stream: [UInt8] = [0x78, 0x01]
    var rest = data[...]
    repeat {
      let block = rest.prefix(65535)
      rest = rest.dropFirst(block.count)
      let count = UInt16(block.count)
      stream += [rest.isEmpty ? 1 : 0]
      stream += [count, ~count].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
      stream += block
    } while !rest.isEmpty
    return stream + number(b << 16 | a)
  }

  private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    var remainder = UInt32.max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return number(Int(~remainder))
  }
}
