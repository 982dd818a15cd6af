import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

// tools/fixtures/pictures.py
@Suite("Resizing")
struct ResizingTests {
  private let file: SafetensorsFile

  init() throws {
    file = try SafetensorsFile(fixture("pictures.safetensors"))
  }

  static let sizes = [
    (16, 16), (64, 40), (37, 11), (5, 23), (1, 1), (100, 100), (36, 24), (3, 200),
  ]

  private func bytes(_ name: String) throws -> [UInt8] {
    let tensor = try #require(try file.tensor(name))
    return Array(UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.elementCount))
  }

  @Test("pictures equal Pillow's LANCZOS in every byte", arguments: sizes)
  func equalsPillow(width: Int, height: Int) throws {
    let picture = try Picture(width: 37, height: 23, pixels: bytes("resize.from"))
    let resized = try picture.resized(width: width, height: height)
    #expect(resized.width == width && resized.height == height)
    #expect(try resized.pixels == bytes("resize.\(width)x\(height)"))
  }

  @Test("masks equal Pillow's LANCZOS of grey pictures in every byte", arguments: sizes)
  func equalsPillowGrey(width: Int, height: Int) throws {
    let colours = try bytes("resize.from").map(Int.init)
    let grey = stride(from: 0, to: colours.count, by: 3).map { start in
      let sum =
        colours[start] * 19595 + colours[start + 1] * 38470 + colours[start + 2] * 7471 + 0x8000
      return UInt8(sum >> 16)
    }
    let mask = try Mask(width: 37, height: 23, pixels: grey)
    #expect(
      try mask.resized(width: width, height: height).pixels
        == bytes("resize.grey.\(width)x\(height)"))
  }

  @Test("the same size is the same picture")
  func keeps() throws {
    let picture = try Picture(width: 37, height: 23, pixels: bytes("resize.from"))
    #expect(try picture.resized(width: 37, height: 23) == picture)
  }

  @Test("sizes that cannot be are refused", arguments: [(0, 1), (1, -1), (16_385, 1), (1, .max)])
  func refuses(width: Int, height: Int) throws {
    let picture = try Picture(width: 1, height: 1, pixels: [1, 2, 3])
    #expect(throws: PictureError.self) { try picture.resized(width: width, height: height) }
  }
}
