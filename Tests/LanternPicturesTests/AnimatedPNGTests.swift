import LanternFormats
import LanternPictures
import Testing

/// Animated PNGs, chunk by chunk.
@Suite("Animated PNG") struct AnimatedPNGTests {
  private func picture(_ value: UInt8, side: Int = 3) throws -> Picture {
    try Picture(
      width: side, height: side, pixels: [UInt8](repeating: value, count: 3 * side * side))
  }

  /// The chunks of a file, each with its checksum checked.
  private func chunks(_ bytes: [UInt8]) -> [(type: String, data: [UInt8])] {
    var chunks: [(type: String, data: [UInt8])] = []
    var position = 8
    func integer(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    while position < bytes.count {
      let count = integer(position)
      let body = bytes[position + 4..<position + 8 + count]
      #expect(CRC32.checksum(body) == UInt32(integer(position + 8 + count)))
      chunks.append((String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4))))
      position += 12 + count
    }
    return chunks
  }

  @Test("an animation shows its picture where none is known, and each frame's pixels in order")
  func frames() throws {
    var animation = AnimatedPNG(milliseconds: 120)
    for value in [10, 20, 30] as [UInt8] { try animation.add(picture(value)) }
    var shown = try picture(30)
    shown.metadata = ["parameters": "a fox"]
    let bytes = try animation.png(showing: shown)
    #expect(try Picture(bytes) == shown && PictureMetadata(bytes)["parameters"] == "a fox")
    let chunks = chunks(bytes)
    let kinds = chunks.map(\.type)
    let expected = [
      "IHDR", "tEXt", "acTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND",
    ]
    #expect(kinds == expected)
    #expect(chunks[2].data == [0, 0, 0, 3, 0, 0, 0, 0], "three frames, for ever")
    let numbers = chunks.filter { ["fcTL", "fdAT"].contains($0.type) }.map { $0.data[3] }
    #expect(numbers == [0, 1, 2, 3, 4, 5])
    let controls = chunks.filter { $0.type == "fcTL" }.map(\.data)
    #expect(controls.map { Int($0[20]) << 8 | Int($0[21]) } == [120, 120, 1200])
    #expect(controls.allSatisfy { $0.count == 26 && $0[4..<12] == [0, 0, 0, 3, 0, 0, 0, 3] })
    // The data of each frame is that of its own file.
    for (index, value) in ([10, 20, 30] as [UInt8]).enumerated() {
      let alone = try self.chunks(picture(value).png([:])).filter { $0.type == "IDAT" }
      let data = chunks.filter { $0.type == "fdAT" }[index].data.dropFirst(4)
      #expect(Array(data) == alone.flatMap(\.data))
    }
  }

  @Test("frames of several sizes, and animations without frames, are refused")
  func sizes() throws {
    var animation = AnimatedPNG(milliseconds: 0)
    #expect(throws: PictureError.self) { try animation.png(showing: picture(1)) }
    try animation.add(picture(1))
    #expect(throws: PictureError.self) { try animation.add(picture(1, side: 4)) }
    #expect(throws: PictureError.self) { try animation.png(showing: picture(1, side: 4)) }
  }
}
