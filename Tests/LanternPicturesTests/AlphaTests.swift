import LanternPictures
import TestSupport
import Testing

@Suite struct AlphaTests {
  private static let colours = try? Picture(
    width: 2, height: 1, pixels: [200, 100, 0, 10, 20, 30])

  @Test("an alpha channel is written to PNG and read again, colours of transparent pixels too")
  func png() throws {
    let picture = try PictureWithAlpha(#require(Self.colours), alpha: [255, 7])
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.png"
      let notes = try picture.write(to: path, metadata: ["a": "b"], replacing: false)
      #expect(notes.isEmpty)
      let read = try PictureWithAlpha(contentsOf: path)
      #expect(read.colours == picture.colours && read.alpha == [255, 7])
      #expect(try PictureMetadata(contentsOf: path)["a"] == "b")
    }
  }

  @Test("JPEG holds none: it is laid on white, with a note")
  func jpeg() throws {
    let picture = try PictureWithAlpha(#require(Self.colours), alpha: [0, 0])
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.jpg"
      let notes = try picture.write(to: path, metadata: [:], replacing: false)
      #expect(notes.count == 1 && notes[0].contains("transparent"))
      #expect(try Picture(contentsOf: path).pixels.allSatisfy { $0 > 250 })
      let opaque = try PictureWithAlpha(#require(Self.colours), alpha: nil)
      #expect(try opaque.write(to: path, metadata: [:], replacing: true).isEmpty)
    }
  }

  @Test("a change is one of the colours and one of the alpha channel")
  func changes() throws {
    let picture = try PictureWithAlpha(#require(Self.colours), alpha: [255, 7])
    var calls = 0
    let wide = try picture.changed { part in
      calls += 1
      return try part.resized(width: 4, height: 2)
    }
    #expect(calls == 2 && wide.colours.width == 4)
    let alpha = try #require(wide.alpha)
    #expect(alpha.count == 8 && alpha[0] > 240 && alpha[3] < 20)
    #expect(throws: PictureError.self) { try PictureWithAlpha(picture.colours, alpha: [1]) }
  }
}
