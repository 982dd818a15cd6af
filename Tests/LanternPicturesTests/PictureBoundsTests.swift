import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// What a file may ask for: a small multiple of its own bytes, and the pixels that it states.
@Suite("Bounds of picture files")
struct PictureBoundsTests {
  private func pixel(
    before: [(type: String, data: [UInt8])] = [], after: [(type: String, data: [UInt8])] = []
  ) -> PNGBuilder {
    var file = PNGBuilder(width: 2, samples: [1, 2, 3, 4, 5, 6])
    (file.colour, file.before, file.after) = (.colour, before, after)
    return file
  }

  /// The JPEG of a picture of 16 · 8 pixels, with segments behind its first marker.
  private func jpeg(_ segments: [(marker: UInt8, data: [UInt8])]) throws -> [UInt8] {
    let picture = try Picture(
      width: 16, height: 8, pixels: [UInt8](repeating: 100, count: 384))
    let file = try picture.jpeg(quality: 80)
    let added = segments.flatMap { segment -> [UInt8] in
      let count = segment.data.count + 2
      return [0xFF, segment.marker, UInt8(count >> 8), UInt8(count & 255)] + segment.data
    }
    return file.prefix(2) + added + file.dropFirst(2)
  }

  private func metadata(_ bytes: [UInt8]) throws -> PictureMetadata {
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: folder + "/x")
      return try PictureMetadata(contentsOf: folder + "/x")
    }
  }

  private func reason(_ bytes: [UInt8]) -> String {
    do {
      _ = try Picture(bytes, path: "x")
      return "read"
    } catch { return "\(error)" }
  }

  @Test(
    "a chunk or segment that claims more than is left of the file is refused before it is read",
    arguments: [
      "tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "PLTE", "tRNS", "sPLT", "IDAT", "abCd", "IEND",
    ])
  func claims(type: String) throws {
    let file = pixel().bytes
    for claim in [100, 0x7FFF_FFFF, 0xFFFF_FFFF] {
      let chunk = PNGBuilder.number(claim) + Array(type.utf8) + [1, 2, 3]
      let start = 8 + 25
      #expect(
        reason(Array(file[..<start] + chunk + file[start...])).contains("claims more than is left"),
        "\(claim)")
    }
    var cut = try jpeg([])
    cut = Array(cut.prefix(2) + [0xFF, 0xE1, 0xFF, 0xFF] + cut.dropFirst(2))
    #expect(reason(cut).contains("claims more than is left"))
  }

  @Test("pixels that the file is too short for are refused before memory is taken for them")
  func tooShort() throws {
    var file = pixel()
    file = PNGBuilder(width: 16_000, samples: [Int](repeating: 9, count: 48_000))
    (file.colour, file.before) = (.colour, [])
    var bytes = file.bytes
    // Eight thousand rows in place of one, and the checksum of that.
    let header = Array("IHDR".utf8) + PNGBuilder.number(16_000) + PNGBuilder.number(8000)
    let chunk = PNGBuilder.chunk("IHDR", Array(header.dropFirst(4)) + [1, 0, 0, 0, 0])
    bytes.replaceSubrange(8..<33, with: chunk)
    #expect(reason(bytes).contains("the file ends") || reason(bytes).contains("read:"))
    let small = Array(bytes[..<33]) + PNGBuilder.chunk("IDAT", PNGBuilder.stored([0]))
    #expect(reason(small + PNGBuilder.chunk("IEND", [])).contains("too short for 16000×8000"))
  }

  /// EXIF data, big-endian, of one folder at 8.
  private func exif(_ fields: [(tag: Int, type: Int, value: Int)], claiming count: Int? = nil)
    -> [UInt8]
  {
    func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    var bytes = Array("MM\0*".utf8) + PNGBuilder.number(8) + two(count ?? fields.count)
    for field in fields {
      bytes += two(field.tag) + two(field.type) + PNGBuilder.number(1)
      bytes += field.type == 3 ? two(field.value) + [0, 0] : PNGBuilder.number(field.value)
    }
    return bytes + PNGBuilder.number(0)
  }

  @Test(
    "EXIF data that points to itself, or repeats itself, costs what it has bytes",
    .timeLimit(.minutes(1)))
  func exifBombs() throws {
    let pointers = (0..<60_000).map { _ in (tag: 0x8769, type: 4, value: 8) }
    let file = pixel(before: [("eXIf", exif(pointers))]).bytes
    for _ in 0..<20 { #expect(try Picture(file, path: "x").width == 2) }
    let short = exif(Array(pointers.prefix(5000)))
    let photo = try jpeg([(0xE1, Array("Exif\0\0".utf8) + short)])
    for _ in 0..<20 { #expect(try Picture(photo, path: "x").width == 16) }
    _ = try metadata(
      jpeg((0..<3000).map { _ in (0xE1, Array("Exif\0\0".utf8) + short.prefix(90)) }))
  }

  @Test("of an EXIF tag that comes again the first counts, of 2 bytes or 4, and none after 512")
  func exifFields() throws {
    func isTurned(_ fields: [(tag: Int, type: Int, value: Int)]) throws -> Bool {
      let file = pixel(before: [("eXIf", exif(fields))]).bytes
      return try Picture(file, path: "x").height == 2
    }
    let (turned, upright) = ((0x0112, 3, 6), (0x0112, 3, 1))
    #expect(try isTurned([turned, upright]) && !isTurned([upright, turned]))
    #expect(try isTurned([(0x0112, 4, 8)]))
    #expect(try !isTurned([(0x0112, 3, 9)]))
    let others = (0..<511).map { (tag: $0 + 0x1000, type: 3, value: 6) }
    #expect(try isTurned(others + [turned]) && !isTurned(others + [upright, turned]))
    // A folder cut short keeps what it has.
    let cut = exif([turned], claiming: 400)
    #expect(try Picture(pixel(before: [("eXIf", cut)]).bytes, path: "x").height == 2)
  }

  /// A zlib stream of 16 MiB of one letter and a few bytes, in 16 kB: blocks of equal matches.
  private func bomb(_ repeats: Int) -> [UInt8] {
    // Fixed codes: a literal, then matches of length 258 at distance 1, each "0 0101 000 00000": bits.
    var bits: [UInt8] = [1, 1, 0]
    bits += [1, 0, 0, 1, 0, 0, 0, 1]  // the literal "a", 0x30 + 0x61
    for _ in 0..<repeats { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
    bits += [UInt8](repeating: 0, count: 7)
    while bits.count % 8 != 0 { bits.append(0) }
    let packed = stride(from: 0, to: bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { $0 | bits[start + $1] << $1 }
    }
    var (a, b) = (1, 0)
    for _ in 0..<1 + 258 * repeats {
      a = (a + 97) % 65521
      b = (b + a) % 65521
    }
    return [0x78, 0x9C] + packed + PNGBuilder.number(b << 16 | a)
  }

  @Test("all texts together unpack to 16 MiB at most; what is beyond is told")
  func textBombs() throws {
    let packed = bomb(20_000)
    let one = try metadata(pixel(before: [("zTXt", Array("one\0\0".utf8) + packed)]).bytes)
    #expect(one["one"]?.utf8.count == 1 + 258 * 20_000)
    let many = pixel(
      before: (0..<40).map { ("zTXt", Array("text \($0)\0\0".utf8) + packed) }
        + [("iTXt", Array("more\0\u{1}\0\0\0".utf8) + packed)],
      after: [("tEXt", Array("late\0words".utf8))]
    ).bytes
    #expect(try metadata(many).entries.map(\.key) == ["text 0", "text 1", "text 2"])
    #expect(try Picture(many, path: "x.png").notes == ["x.png: texts beyond 16 MiB are left out"])
    // What is damaged at its end is no text, and is not unpacked for ever.
    let damaged = (0..<40).map { ("zTXt", Array("text \($0)\0\0".utf8) + packed.dropLast(4)) }
    #expect(try metadata(pixel(before: damaged).bytes).entries.isEmpty)
    #expect(try Picture(pixel(before: damaged).bytes, path: "x").notes.count == 1)
    let comments = (0..<300).map { _ in (UInt8(0xFE), [UInt8](repeating: 97, count: 65_000)) }
    let photo = try jpeg(comments)
    #expect(try metadata(photo).entries.count == (16 << 20) / 65_256)
    #expect(try Picture(photo, path: "x").notes == ["x: texts beyond 16 MiB are left out"])
  }

  @Test("a thousand texts are read, before the pixels and behind them")
  func manyTexts() throws {
    let texts = (0..<500).map { ("tEXt", Array("key \($0)\0v".utf8)) }
    let found = try metadata(pixel(before: texts, after: texts).bytes)
    #expect(found.entries.count == 1000)
    #expect(found["key 499"] == "v")
  }

  @Test("texts that are UTF-8 are read as that, wherever they stand; others are Latin-1")
  func encodings() throws {
    let words = "a red fox テスト é"
    let latin1: [UInt8] = Array("caf".utf8) + [0xE9]
    let found = try metadata(
      pixel(before: [
        ("tEXt", Array("utf8\0\(words)".utf8)), ("tEXt", Array("latin1\0".utf8) + latin1),
        ("zTXt", Array("packed\0\0".utf8) + PNGBuilder.stored(Array(words.utf8))),
        ("iTXt", Array("unicode\0\0\0\0\0\(words)".utf8)),
      ]).bytes)
    #expect(found["utf8"] == words && found["packed"] == words && found["unicode"] == words)
    #expect(found["latin1"] == "café")
    let photo = try metadata(jpeg([(0xFE, Array("prompt: \(words)".utf8)), (0xFE, latin1)]))
    #expect(photo["prompt"] == words && photo["comment"] == "café")
    // What is Latin-1 and would be read as UTF-8 is written so that it is not.
    try withTemporaryFolder { folder in
      let texts = PictureMetadata([.init(key: "a", text: "Ã© Â°"), .init(key: "b", text: "é°")])
      try Picture(width: 1, height: 1, pixels: [1, 2, 3]).write(
        to: folder + "/x.png", metadata: texts)
      #expect(try PictureMetadata(contentsOf: folder + "/x.png") == texts)
    }
  }

  @Test("a text whose checksum is wrong is none, and so is one without a key")
  func damagedTexts() throws {
    var file = pixel(before: [("tEXt", Array("a\0b".utf8)), ("tEXt", Array("c\0d".utf8))]).bytes
    file[8 + 25 + 8 + 2] ^= 1
    #expect(try metadata(file) == ["c": "d"])
    let long = String(repeating: "k", count: 80)
    for text in ["\0b", "b", long + "\0b", ""] {
      #expect(try metadata(pixel(before: [("tEXt", Array(text.utf8))]).bytes).entries.isEmpty)
    }
    for data in ["a", "a\0", "a\0\u{1}x", "a\0\0", "a\0\0\0", "a\0\0\0de", "a\0\u{1}\u{1}\0\0x"] {
      for type in ["zTXt", "iTXt"] {
        let file = pixel(before: [(type, Array(data.utf8))]).bytes
        #expect(try metadata(file).entries.isEmpty, "\(type) \(data)")
      }
    }
  }

  @Test("pictures of kinds that are not read are called by their names")
  func names() throws {
    for (start, name) in [
      (Array("RIFF\u{1}\u{1}\u{1}\u{1}WEBPVP8 ".utf8), "WebP"), (Array("GIF89a".utf8), "GIF"),
      (Array("BM6".utf8), "BMP"), (Array("II*\0".utf8), "TIFF"), (Array("MM\0*".utf8), "TIFF"),
      (Array("\0\0\0\u{18}ftypheic".utf8), "HEIC"), (Array("\0\0\0\u{18}ftypavif".utf8), "AVIF"),
      ([0xFF, 0x0A, 1], "JPEG XL"), (Array("\0\0\0\u{C}JXL \r\n".utf8), "JPEG XL"),
      (Array("\n<svg xmlns".utf8), "SVG"), (Array("%PDF-1.7".utf8), "PDF"),
      (Array("<!DOCTYPE html><p>404".utf8), "web page"),
    ] {
      let said = reason(start)
      #expect(said.contains(name) && said.contains("convert it to PNG or JPEG"), "\(said)")
    }
    #expect(reason(Array("hello".utf8)).contains("neither a PNG nor a JPEG"))
    #expect(reason([]).contains("neither"))
  }

  @Test("samples of 16 bits are rounded to 8, colours and greys")
  func sixteenBits() throws {
    // 257 apart are the 8-bit values; a high byte alone would give 0, 0, 128, 254.
    let (samples, rounded): ([Int], [UInt8]) = ([128, 129, 32_897, 65_407], [0, 1, 128, 255])
    var file = PNGBuilder(width: 4, colour: .grey, depth: 16, samples: samples)
    #expect(try Picture(file.bytes, path: "x").pixels == rounded.flatMap { [$0, $0, $0] })
    file.colour = .colour
    file.samples = samples.flatMap { [$0, $0, $0] }
    #expect(try Picture(file.bytes, path: "x").pixels == rounded.flatMap { [$0, $0, $0] })
  }

  /// A colour profile with a description, of version 2 or 4.
  private func profile(_ title: String, version: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 128) + PNGBuilder.number(1)
    bytes += Array("desc".utf8) + PNGBuilder.number(144) + PNGBuilder.number(100)
    if version == 2 {
      bytes += Array("desc\0\0\0\0".utf8) + PNGBuilder.number(title.utf8.count + 1) + title.utf8
    } else {
      bytes += Array("mluc\0\0\0\0".utf8) + [1, 12].flatMap(PNGBuilder.number)
      bytes += Array("enUS".utf8) + [2 * title.utf8.count, 28].flatMap(PNGBuilder.number)
      bytes += title.utf8.flatMap { [0, $0] }
    }
    return bytes + [0]
  }

  @Test("colours that are not sRGB's are taken as if they were, and that is told")
  func profiles() throws {
    func notes(_ chunks: [(type: String, data: [UInt8])]) throws -> [String] {
      try Picture(pixel(before: chunks).bytes, path: "x").notes
    }
    let told = "is not applied: colours are taken as sRGB's"
    for version in [2, 4] {
      for (title, isTold) in [("Display P3", true), ("sRGB IEC61966-2.1", false)] {
        let icc = profile(title, version: version)
        let chunk = Array("ICC\0\0".utf8) + PNGBuilder.stored(icc)
        let expected = isTold ? ["x: its colour profile (\(title)) \(told)"] : []
        #expect(try notes([("iCCP", chunk)]) == expected)
        let photo = try jpeg([(0xE2, Array("ICC_PROFILE\0\u{1}\u{1}".utf8) + icc)])
        #expect(try Picture(photo, path: "x").notes == expected)
      }
    }
    let gamma = ("gAMA", PNGBuilder.number(100_000))
    #expect(try notes([gamma]) == ["x: its colour profile (gAMA 1.0) \(told)"])
    #expect(try notes([("gAMA", PNGBuilder.number(45_455))]) == [])
    #expect(try notes([gamma, ("sRGB", [0])]) == [])
    let wide = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6000]
    #expect(
      try notes([("cHRM", wide.flatMap(PNGBuilder.number))])
        == ["x: its colour profile (cHRM) \(told)"])
    #expect(
      try notes([("cICP", [12, 13, 0, 1])]) == ["x: its colour profile (cICP 12/13) \(told)"])
    #expect(try notes([("cICP", [1, 13, 0, 1]), gamma]) == [])
    // A name is shown without what a terminal would obey.
    let strange = Array("ICC\0\0".utf8) + PNGBuilder.stored(profile("P3\u{1B}[31m", version: 2))
    #expect(try notes([("iCCP", strange)]).first?.contains("(P3[31m)") == true)
  }

  @Test("what is transparent is told to lie on white, and an animation to give its first picture")
  func transparency() throws {
    let clear = PNGBuilder(width: 1, samples: [9, 9, 9, 254])
    #expect(
      try Picture(clear.bytes, path: "x").notes == [
        "x: what is transparent in it is taken as white"
      ])
    let opaque = PNGBuilder(width: 1, samples: [9, 9, 9, 255])
    #expect(try Picture(opaque.bytes, path: "x").notes == [])
    let moving = pixel(before: [("acTL", [0, 0, 0, 2, 0, 0, 0, 0])])
    #expect(
      try Picture(moving.bytes, path: "x").notes
        == ["x: of its animation the first picture is taken"])
  }

  @Test("scans over the same pixels beyond the usual must bring bytes for them")
  func scans() throws {
    let tensor = try #require(
      try SafetensorsFile(fixture("pictures.safetensors")).tensor("scans.jpeg"))
    let file = Array(UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.elementCount))
    #expect(try Picture(file, path: "x").width == 1600)
    let last = try #require(
      file.indices.dropLast().last { file[$0] == 0xFF && file[$0 + 1] == 0xDA })
    let scan = file[last..<file.count - 2]
    let repeated = [[UInt8]](repeating: Array(scan), count: 60).flatMap { $0 }
    let many = Array(file[..<(file.count - 2)]) + repeated + [0xFF, 0xD9]
    #expect(reason(many).contains("far too many scans"))
  }

  @Test("a sheet too large for memory or for a file is refused")
  func sheets() throws {
    let wide = try Picture(width: 300_000, height: 1, pixels: [UInt8](repeating: 1, count: 900_000))
    #expect(throws: PictureError.self) {
      try Picture.sheet([wide, wide, wide, wide], columns: 4)
    }
    #expect(throws: PictureError.self) { try Picture.sheet([wide, wide], columns: 2, gap: .max) }
  }
}
