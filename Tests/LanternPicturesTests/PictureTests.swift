import LanternPictures
import LanternTensor
import TestSupport
import Testing

@Suite("Picture")
struct PictureTests {
  @Test("numbers become bytes as numpy rounds them, halves to even, and clamped")
  func rounds() throws {
    // 0.5 / 255 and 1.5 / 255 are halves once multiplied.
    let values: [Float] = [0, 1, 0.5, -3, 7, 0.5 / 255, 1.5 / 255, 2.5 / 255, 0.999]
    let picture = try Picture(Tensor(values, shape: [1, 1, 3, 3]))
    #expect(picture.pixels == [0, 255, 128, 0, 255, 0, 2, 2, 255])
    #expect(picture.width == 3 && picture.height == 1)
  }

  @Test("infinity is clamped and NaN refused by its index")
  func refusesNaN() throws {
    let infinite = try Picture(Tensor([.infinity, -.infinity, 0] as [Float], shape: [1, 1, 3]))
    #expect(infinite.pixels == [255, 0, 0])
    let tensor = try Tensor([0, .nan, 0] as [Float], shape: [1, 1, 1, 3])
    #expect(throws: PictureError.notANumber(index: 1)) { try Picture(tensor) }
  }

  @Test("every byte survives the way to numbers and back")
  func returns() throws {
    let bytes = (0..<768).map { UInt8($0 % 256) }
    let picture = try Picture(width: 16, height: 16, pixels: bytes)
    let tensor = try picture.tensor
    #expect(tensor.shape == [1, 16, 16, 3])
    #expect(try Picture(tensor) == picture)
    #expect(try tensor.floats()[255] == 1)
  }

  @Test("a view is read in its own order")
  func readsViews() throws {
    let tensor = try Tensor((0..<12).map { Float($0) / 255 }, shape: [2, 2, 3])
    let turned = try Picture(tensor.permuted([1, 0, 2]))
    #expect(turned.pixels == [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11])
  }

  @Test(
    "shapes that are no picture's are refused",
    arguments: [
      [3], [1, 3], [2, 1, 1, 3], [1, 1, 1, 1, 3], [1, 1, 1, 4], [1, 0, 1, 3], [0, 1, 3],
    ])
  func refusesShapes(shape: [Int]) throws {
    let tensor = try Tensor(repeating: 0, shape: shape)
    #expect(throws: PictureError.self) { try Picture(tensor) }
  }

  @Test("sizes that do not fit their bytes are refused")
  func refusesSizes() {
    for (width, height) in [(0, 0), (1, 2), (-1, -1), (Int.max, 2), (Int.max, Int.max), (1, 0)] {
      #expect(throws: PictureError.self) {
        try Picture(width: width, height: height, pixels: [1, 2, 3])
      }
      #expect(throws: PictureError.self) {
        try Mask(width: width, height: height, pixels: [1, 2, 3])
      }
    }
  }

  @Test("a sheet puts pictures in rows from the top left, on white")
  func makesSheets() throws {
    let one = try Picture(width: 1, height: 1, pixels: [1, 1, 1])
    let tall = try Picture(width: 1, height: 2, pixels: [2, 2, 2, 3, 3, 3])
    let sheet = try Picture.sheet([one, tall, one], columns: 2, gap: 1)
    #expect(sheet.width == 3 && sheet.height == 5)
    let reds = stride(from: 0, to: sheet.pixels.count, by: 3).map { sheet.pixels[$0] }
    #expect(reds == [1, 255, 2, 255, 255, 3, 255, 255, 255, 1, 255, 255, 255, 255, 255])
    #expect(try Picture.sheet([], columns: 3).pixels == [255, 255, 255])
    #expect(try Picture.sheet([one], columns: 0, gap: -5) == one)
  }

  @Test("a mask is binarized from the middle up")
  func binarizes() throws {
    let mask = try Mask(width: 4, height: 1, pixels: [0, 127, 128, 255])
    #expect(mask.binarized.pixels == [0, 0, 255, 255])
    #expect(try mask.tensor.shape == [1, 1, 4, 1])
  }
}
