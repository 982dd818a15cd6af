import LanternPictures
import Testing

@Suite("Pasting")
struct PastingTests {
  private func flat(_ width: Int, _ height: Int, _ value: UInt8) throws -> Picture {
    try Picture(
      width: width, height: height, pixels: [UInt8](repeating: value, count: 3 * width * height))
  }

  @Test("black stays to the byte, white is the other picture, and the seam lies in white alone")
  func seam() throws {
    let mask = try Mask(
      width: 9, height: 1, pixels: [0, 127, 128, 255, 200, 255, 255, 255, 255])
    let mixed = try flat(9, 1, 0).replaced(by: flat(9, 1, 200), where: mask, seam: 4)
    let reds = stride(from: 0, to: 27, by: 3).map { mixed.pixels[$0] }
    #expect(reds == [0, 0, 50, 100, 150, 200, 200, 200, 200])
  }

  @Test("the seam runs in all directions, and not along the picture's edge")
  func directions() throws {
    var pixels = [UInt8](repeating: 255, count: 49)
    pixels[24] = 0
    let mask = try Mask(width: 7, height: 7, pixels: pixels)
    let mixed = try flat(7, 7, 0).replaced(by: flat(7, 7, 90), where: mask, seam: 3)
    for y in 0..<7 {
      for x in 0..<7 {
        let steps = min(max(abs(x - 3), abs(y - 3)), 3)
        #expect(mixed.pixels[3 * (7 * y + x)] == UInt8(30 * steps), "\(x), \(y)")
      }
    }
    let white = try Mask(width: 2, height: 2, pixels: [255, 255, 255, 255])
    #expect(
      try flat(2, 2, 0).replaced(by: flat(2, 2, 9), where: white, seam: 4) == flat(2, 2, 9))
  }

  @Test("other sizes are refused")
  func sizes() throws {
    let mask = try Mask(width: 2, height: 1, pixels: [0, 255])
    #expect(throws: PictureError.self) {
      try flat(2, 1, 0).replaced(by: flat(1, 2, 0), where: mask, seam: 4)
    }
    #expect(throws: PictureError.self) {
      try flat(1, 2, 0).replaced(by: flat(1, 2, 0), where: mask, seam: 4)
    }
  }

  @Test("of a mask only what lies in drawn cells is left")
  func limits() throws {
    let mask = try Mask(width: 4, height: 2, pixels: [255, 255, 255, 0, 9, 255, 255, 255])
    let limited = try mask.limited(to: [true, false], columns: 2, rows: 1)
    #expect(limited.pixels == [255, 255, 0, 0, 9, 255, 0, 0])
  }

  @Test("a picture's edges go on where it is enlarged, and around a mask it is white")
  func enlarges() throws {
    let picture = try Picture(width: 2, height: 1, pixels: [1, 2, 3, 4, 5, 6])
    let larger = try picture.enlarged(width: 4, height: 2, left: 1, top: 1)
    let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    #expect(larger.pixels == row + row)
    let mask = try Mask(width: 2, height: 1, pixels: [0, 7])
    #expect(
      try mask.enlarged(width: 3, height: 2, left: 1, top: 1).pixels == [255, 255, 255, 255, 0, 7])
  }
}
