import LanternFormats
import LanternPictures
import TestSupport
import Testing

@Suite("Mask")
struct MaskTests {
  private func mask(_ file: PNGBuilder) throws -> Mask {
    try withTemporaryFolder { folder in
      try AtomicFile.write(file.bytes, to: folder + "/m.png")
      return try Mask(contentsOf: folder + "/m.png")
    }
  }

  /// Four pixels as a file of red, green, blue and alpha, and how much each is to be painted.
  static let pictures: [(what: String, samples: [[Int]], expected: [UInt8])] = [
    (
      "opaque: brightness",
      [[255, 255, 255, 255], [0, 0, 0, 255], [255, 0, 0, 255], [0, 255, 0, 255]],
      [255, 0, 76, 150]
    ),
    (
      "a pixel of alpha 254 changes only itself",
      [[255, 255, 255, 255], [0, 0, 0, 255], [255, 255, 255, 254], [0, 0, 0, 254]],
      [255, 0, 254, 0]
    ),
    (
      "white, half opaque, on black",
      [[255, 255, 255, 128], [0, 0, 0, 255], [255, 255, 255, 127], [0, 0, 0, 255]],
      [128, 0, 127, 0]
    ),
    (
      "white and black, and nothing beside: nothing is black",
      [[255, 255, 255, 255], [0, 0, 0, 255], [0, 0, 0, 0], [255, 255, 255, 0]],
      [255, 0, 0, 0]
    ),
    (
      "white paint on nothing, whose colour does not count",
      [[255, 255, 255, 255], [0, 0, 0, 0], [254, 255, 255, 200], [90, 80, 70, 0]],
      [255, 0, 200, 0]
    ),
    (
      "red paint on nothing, its edges rounded",
      [[200, 0, 0, 255], [200, 0, 0, 0], [199, 0, 0, 128], [170, 0, 0, 3]], [255, 0, 128, 3]
    ),
    (
      "a hole in black",
      [[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 100], [0, 0, 0, 255]], [255, 0, 155, 0]
    ),
    ("black all over", [[0, 0, 0, 255], [0, 0, 0, 255], [0, 0, 0, 255]], [0, 0, 0]),
    (
      "black all over, hardly transparent somewhere",
      [[0, 0, 0, 255], [0, 0, 0, 254], [0, 0, 0, 130]], [0, 0, 0]
    ),
    ("red all over: brightness", [[255, 0, 0, 255], [255, 0, 0, 254]], [76, 76]),
    ("nothing at all: a hole", [[0, 0, 0, 0], [0, 0, 0, 0]], [255, 255]),
  ]

  @Test(
    "brightness times opacity; where all paint has one colour, opacity, and of black paint its holes",
    arguments: pictures)
  func reads(what: String, samples: [[Int]], expected: [UInt8]) throws {
    let file = PNGBuilder(width: samples.count, samples: samples.flatMap { $0 })
    #expect(try mask(file).pixels == expected, "\(what)")
    // The same picture in 16 bits, and as a palette with its own alphas.
    var deep = file
    deep.depth = 16
    deep.samples = file.samples.map { $0 * 257 }
    #expect(try mask(deep).pixels == expected, "\(what), 16 bits")
    var palette = PNGBuilder(width: samples.count, samples: Array(samples.indices))
    palette.colour = .palette
    palette.before = [
      ("PLTE", samples.flatMap { $0.prefix(3).map { UInt8($0) } }),
      ("tRNS", samples.map { UInt8($0[3]) }),
    ]
    #expect(try mask(palette).pixels == expected, "\(what), a palette")
    guard samples.allSatisfy({ $0[0] == $0[1] && $0[1] == $0[2] }) else { return }
    for depth in [8, 16] {
      var grey = file
      (grey.colour, grey.depth) = (.greyAlpha, depth)
      grey.samples = samples.flatMap { [$0[0], $0[3]].map { depth == 16 ? $0 * 257 : $0 } }
      #expect(try mask(grey).pixels == expected, "\(what), grey of \(depth) bits")
    }
  }

  @Test("grey masks of every depth, with and without a colour that stands for nothing")
  func greys() throws {
    for (depth, samples, expected) in [
      (1, [0, 1, 1, 0], [0, 255, 255, 0]), (2, [0, 1, 2, 3], [0, 85, 170, 255]),
      (4, [0, 7, 8, 15], [0, 119, 136, 255]), (16, [0, 256, 32768, 65535], [0, 1, 128, 255]),
    ] as [(Int, [Int], [UInt8])] {
      var file = PNGBuilder(width: 4, samples: samples)
      (file.colour, file.depth) = (.grey, depth)
      #expect(try mask(file).pixels == expected)
      // White is said to be transparent: all that is left is black or grey.
      file.before = [("tRNS", [UInt8(samples[0] >> 8), UInt8(samples[0] & 255)])]
      #expect(try mask(file).pixels == expected, "black that is nothing is black")
    }
  }

  @Test("holes in black and much grey are told, what is plain is not")
  func notes() throws {
    let hole = PNGBuilder(width: 2, samples: [0, 0, 0, 0, 0, 0, 0, 255])
    let told = try mask(hole).notes
    #expect(told.count == 1 && told[0].contains("the holes are drawn anew"))
    let soft = PNGBuilder(width: 2, samples: [255, 255, 255, 128, 0, 0, 0, 255])
    let grey = try mask(soft).notes
    #expect(grey.count == 1 && grey[0].contains("half as bright"))
    let plain = PNGBuilder(width: 2, samples: [255, 255, 255, 255, 0, 0, 0, 255])
    #expect(try mask(plain).notes == [])
    let thin = PNGBuilder(width: 2, samples: [255, 255, 255, 120, 0, 0, 0, 0])
    let faint = try mask(thin).notes
    #expect(faint.contains { $0.contains("is 120 of 255 at most") }, "\(faint)")
  }
}
