import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Files that gguf-py writes: tools/fixtures/gguf_blocks.py; and files that it would not write.
@Suite struct GGUFFileTests {
  private static let path = fixture("gguf_blocks/blocks.gguf")

  private static func bytes() throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    let storage = try Storage(byteCount: bytes.count)
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyMemory(from: $0)
    }
    return try GGUFFile(storage, path: "x.gguf")
  }

  @Test("blocks of every format decode to gguf-py's numbers, bit for bit")
  func blocks() throws {
    let file = try GGUFFile(Self.path)
    let wanted = try SafetensorsFile(fixture("gguf_blocks/blocks.safetensors"))
    #expect(file.names.count == 19 && Set(file.names) == Set(wanted.names))
    for name in file.names {
      let found = try #require(try file.tensor(name))
      let tensor = try #require(try wanted.tensor(name))
      #expect(found.shape == tensor.shape && file.info(name)?.shape == tensor.shape, "\(name)")
      #expect(file.info(name)?.dtype == (name == "shaped" ? "Q8_0" : name), "\(name)")
      let ours = try found.converted(to: .float32).floats()
      let theirs = try tensor.floats()
      let different = zip(ours, theirs).count { $0.bitPattern != $1.bitPattern }
      #expect(different == 0, "\(name): \(different) of \(ours.count)")
    }
  }

  @Test("values of every type are read, and arrays when they are asked for")
  func values() throws {
    let values = try GGUFFile(Self.path).values
    let integers = [
      "u8": 200, "i8": -100, "u16": 60000, "i16": -30000, "u32": 4_000_000_000,
      "i32": -2_000_000_000,
      "u64": 1 << 62, "i64": -(1 << 62),
    ]
    for (key, integer) in integers { #expect(values[key]?.integer == integer, "\(key)") }
    #expect(values["f32"]?.number == Double(Float(0.1)) && values["f64"]?.number == 0.1)
    #expect(values["bool"]?.bool == true && values["string"]?.string == "größe")
    #expect(values["strings"]?.array?.strings == ["a", "", "größe"].map { Array($0.utf8) })
    #expect(values["integers"]?.array?.integers == [3, -1, 4])
    #expect(values["numbers"]?.array?.numbers == [0.5, -0.25])
    #expect(values["numbers"]?.array?.strings == nil && values["numbers"]?.array?.integers == nil)
    #expect(values["strings"]?.array?.integers == nil && values["strings"]?.array?.numbers == nil)
  }

  @Test("a file that ends at any byte is refused, or holds what lies before")
  func truncation() throws {
    let bytes = try Self.bytes()
    let whole = try open(bytes)
    let header = bytes.count - (whole.names.contains("BF16") ? 70 : 0)
    for end in Array(0..<2000) + Array(stride(from: 2000, to: header, by: 97)) {
      #expect(throws: FormatError.self, "\(end)") { try open(Array(bytes[..<end])) }
    }
  }

  @Test("what no file should claim is refused in words")
  func hostile() throws {
    let cases: [(header: [UInt8], word: String)] = [
      (File(version: 4).bytes, "version is 4"),
      (File(version: 3 << 24).bytes, "big-endian"),
      (File(tensors: 1 << 60).bytes, "ends at byte"),
      (File(values: .max).bytes, "ends at byte"),
      (File([("a", 4, little(1, 4)), ("a", 4, little(2, 4))]).bytes, "the key \"a\" twice"),
      (File([("a", 13, [])]).bytes, "of type 13"),
      (File([("a", 8, little(1 << 62, 8))]).bytes, "ends at byte"),
      (File([("a", 9, little(4, 4) + little(1 << 61, 8))]).bytes, "ends at byte"),
      (File([("a", 9, nested(20))]).bytes, "arrays in one another"),
      (File([("general.alignment", 4, little(24, 4))]).bytes, "no power of two"),
      (File([("general.alignment", 4, little(0, 4))]).bytes, "no power of two"),
      (File(tensor: ("t", [32], 99, 0)).bytes, "unknown type \"99\""),
      (File(tensor: ("t", [31], 2, 0)).bytes, "cannot have the shape [31]"),
      (File(tensor: ("t", [1 << 40, 1 << 40], 0, 0)).bytes, "cannot have the shape"),
      (File(tensor: ("t", [1, 1, 1, 1, 1], 0, 0)).bytes, "has 5 axes"),
      (File(tensor: ("t", [4], 0, 4)).bytes, "no multiple of 32"),
      (File(tensor: ("t", [4], 0, 1 << 40)).bytes, "damaged or cut short"),
      (File(tensor: ("t", [4], 0, .max - 31)).bytes, "damaged or cut short"),
      (File(tensor: ("t", [1000], 0, 0)).bytes, "damaged or cut short"),
    ]
    for (bytes, word) in cases {
      let error = try #require(throws: FormatError.self, "\(word)") { try open(bytes) }
      #expect("\(error)".contains(word) && error.kind == .data, "\(error)")
    }
    #expect(try open(File(tensor: ("t", [8], 0, 0)).bytes).tensor("t")?.shape == [8])
  }

  @Test("a shape that a converter notes is the tensor's, unless it is of another size")
  func noted() throws {
    var shape = little(5, 4) + little(2, 8) + little(4, 4) + little(2, 4)
    let key = "comfy.gguf.orig_shape.t"
    let sound = try open(File([(key, 9, shape)], tensor: ("t", [8], 0, 0)).bytes)
    #expect(try sound.tensor("t")?.shape == [4, 2])
    shape[12] = 3
    let error = try #require(throws: FormatError.self) {
      try open(File([(key, 9, shape)], tensor: ("t", [8], 0, 0)).bytes)
    }
    #expect("\(error)".contains("[3, 2]"), "\(error)")
  }

  @Test("types that are known and not computed with are told by name")
  func unsupported() throws {
    let file = try open(File(tensor: ("t", [256], 16, 0)).bytes + [UInt8](repeating: 0, count: 80))
    let error = try #require(throws: FormatError.self) { try file.tensor("t") }
    #expect("\(error)".contains("IQ2_XXS") && "\(error)".contains("Q4_K"))
  }

  @Test("a file is known by its first bytes, whatever it is called")
  func content() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model.safetensors"
      try Data(Self.bytes()).write(to: URL(fileURLWithPath: path))
      #expect(try openTensorFile(path) is GGUFFile)
    }
  }

  @Test("rows of heads in the order of pairs are put in that of halves")
  func heads() throws {
    // Two heads of four rows of two numbers.
    let stored = try Tensor((0..<16).map(Float.init), shape: [8, 2])
    try withTemporaryFolder { folder in
      let path = folder + "/a.safetensors"
      try SafetensorsFile.write([("w", stored)], to: path)
      var view = TensorView("w")
      view.interleavedHeads = 2
      let file = RenamedFile(try SafetensorsFile(path), [("q", view)])
      let rows = [0, 2, 1, 3, 4, 6, 5, 7]
      let wanted = rows.flatMap { [Float(2 * $0), Float(2 * $0 + 1)] }
      #expect(try file.tensor("q")?.floats() == wanted)
      view.interleavedHeads = 3
      #expect(throws: FormatError.self) {
        try RenamedFile(try SafetensorsFile(path), [("q", view)]).tensor("q")
      }
    }
  }
}

private func little(_ value: UInt64, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

/// Arrays of one array each.
private func nested(_ depth: Int) -> [UInt8] {
  (0..<depth).flatMap { _ in little(9, 4) + little(1, 8) } + little(4, 4) + little(0, 8)
}

/// A GGUF file with anything in it, and 32 bytes of data.
private struct File {
  let bytes: [UInt8]

  init(
    _ pairs: [(key: String, type: UInt64, value: [UInt8])] = [], version: UInt64 = 3,
    tensors: UInt64? = nil, values: UInt64? = nil,
    tensor: (name: String, sizes: [UInt64], type: UInt64, offset: UInt64)? = nil
  ) {
    func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count), 8) + Array(text.utf8) }
    var bytes = Array("GGUF".utf8) + little(version, 4)
    bytes +=
      little(tensors ?? (tensor == nil ? 0 : 1), 8) + little(values ?? UInt64(pairs.count), 8)
    for (key, type, value) in pairs { bytes += text(key) + little(type, 4) + value }
    if let tensor {
      bytes += text(tensor.name) + little(UInt64(tensor.sizes.count), 4)
      bytes +=
        tensor.sizes.flatMap { little($0, 8) } + little(tensor.type, 4) + little(tensor.offset, 8)
    }
    while bytes.count % 32 != 0 { bytes.append(0) }
    self.bytes = bytes + [UInt8](repeating: 0, count: 32)
  }
}

extension GGUFArray {
  /// The texts, as their bytes; nil where the values are of another type.
  var strings: [[UInt8]]? {
    var texts: [[UInt8]] = []
    forEachString { texts.append(Array($1)) }
    return isOfStrings ? texts : nil
  }
}
