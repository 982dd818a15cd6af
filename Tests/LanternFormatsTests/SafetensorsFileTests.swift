import LanternPlatform
import LanternFormats
import LanternTensor
import TestSupport
import Testing

@Suite("SafetensorsFile")
struct SafetensorsFileTests {
  private let reference = fixture("tensor_files.safetensors")

  /// A file of a header and data bytes, whatever they claim.
  private func bytes(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    let count = (length ?? UInt64(text.count)).littleEndian
    return withUnsafeBytes(of: count) { Array($0) } + text + [UInt8](repeating: 0, count: data)
  }

  private func failure(_ bytes: [UInt8]) -> FormatError? {
    bytes.withUnsafeBytes { buffer in
      do throws(FormatError) {
        _ = try SafetensorsHeader(buffer, file: "x")
        return nil
      } catch {
        return error
      }
    }
  }

  // tools/fixtures/tensor_files.py
  @Test("tensors equal those the reference implementation wrote")
  func readsReference() throws {
    let file = try SafetensorsFile(reference)
    #expect(Set(file.names).count == 10)
    #expect(file.metadata == ["format": "pt", "note": "ünï \"quoted\""])
    #expect(file.info("positions").map { "\($0)" } == #"(dtype: "I64", shape: [1, 4])"#)
    let weight = try #require(try file.tensor("weight"))
    #expect(weight.shape == [2, 3])
    #expect(try weight.floats() == [-1, -0.75, -0.5, -0.25, 0, 0.25])
    let scalar = try #require(try file.tensor("scalar"))
    #expect(scalar.shape == [])
    #expect(try scalar.floats() == [2.5])
    #expect(try #require(try file.tensor("ids")).integers() == [7, -7, 2_147_483_647])
    #expect(try #require(try file.tensor("nothing")).shape == [0, 3])
    #expect(try #require(try file.tensor("half")).dtype == .float16)
    #expect(try #require(try file.tensor("brain")).dtype == .bfloat16)
    #expect(try #require(try file.tensor("bytes")).dtype == .uint8)
    #expect(try file.tensor("absent") == nil)
    file.releasePages()
    #expect(try weight.floats() == [-1, -0.75, -0.5, -0.25, 0, 0.25])
  }

  @Test("a type that Lantern does not compute with is refused only when read")
  func refusesTypesWhenRead() throws {
    let file = try SafetensorsFile(reference)
    for (name, type) in [("positions", "I64"), ("flags", "BOOL"), ("double", "F64")] {
      #expect(
        throws: FormatError.unsupportedElementType(name: name, type: type, file: reference)
      ) { try file.tensor(name) }
    }
  }

  @Test("a tensor outlives its file's value")
  func keepsMapping() throws {
    var file: SafetensorsFile? = try SafetensorsFile(reference)
    let weight = try #require(try file?.tensor("weight"))
    file = nil
    #expect(try weight.floats().first == -1)
  }

  @Test("a file cut short anywhere is refused")
  func refusesEveryTruncation() throws {
    let whole = try FileSystem.read(reference, limit: 1 << 20)
    #expect(failure(whole) == nil)
    for length in 0..<whole.count { #expect(failure(Array(whole[..<length])) != nil) }
  }

  @Test("a truncated header names the file and the byte")
  func namesTruncation() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      try AtomicFile.write(bytes("{}", length: 100), to: path)
      #expect(throws: FormatError.truncated(file: path, at: 10, need: 98)) {
        try SafetensorsFile(path)
      }
      try AtomicFile.write([1, 2], to: path)
      #expect(throws: FormatError.truncated(file: path, at: 2, need: 6)) {
        try SafetensorsFile(path)
      }
      try AtomicFile.write(bytes("{}", length: .max), to: path)
      #expect(
        throws: FormatError.headerTooLarge(file: path, byteCount: .max, limit: 100_000_000)
      ) { try SafetensorsFile(path) }
    }
  }

  @Test(
    "a hostile header is refused",
    arguments: [
      "", " {}", "[]", "1", "{", "{}{}", "{\"a\":1}", "{\"__metadata__\":{\"a\":1}}",
      "{\"__metadata__\":[]}", "{\"a\":{}}",
      tensor("F32", "[1]", "[0,4]", name: "a") + " trailing",
      "{\"a\":\(fields("F32", "[1]", "[0,4]")),\"a\":\(fields("F32", "[1]", "[4,8]"))}",
      "{\"a\":\(fields("F32", "[1]", "[0,4]")),\"b\":\(fields("F32", "[1]", "[0,4]"))}",
      "{\"a\":\(fields("F32", "[1]", "[0,4]")),\"b\":\(fields("F32", "[1]", "[2,6]"))}",
      "{\"a\":\(fields("F32", "[1]", "[4,8]"))}",
      tensor("F32", "[1]", "[4,0]"), tensor("F32", "[1]", "[-4,0]"), tensor("F32", "[1]", "[0]"),
      tensor("F32", "[1]", "[0,4,8]"), tensor("F32", "[1]", "[0,4.5]"), tensor("F32", "[1]", "4"),
      tensor("F32", "[1]", "[0,9223372036854775807]"),
      tensor("F32", "[1]", "[9223372036854775800,9223372036854775807]"),
      tensor("F32", "[1]", "[0,18446744073709551615]"), tensor("F32", "[1]", "[0,1e400]"),
      tensor("F32", "[1]", "[0,12]"), tensor("F32", "[2]", "[0,4]"), tensor("F32", "[-1]", "[0,4]"),
      tensor("F32", "[-1,-1]", "[0,4]"), tensor("F32", "[1.5]", "[0,6]"),
      tensor("F32", "[4294967296,4294967296]", "[0,0]"),
      tensor("F32", "[4611686018427387904,4]", "[0,0]"), tensor("F32", "[null]", "[0,4]"),
      tensor("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), tensor("F32", "{}", "[0,4]"),
      tensor("F33", "[1]", "[0,4]"), tensor("", "[1]", "[0,4]"), tensor("F4", "[1]", "[0,1]"),
      tensor("I64", "[1]", "[0,4]"), "{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}",
    ])
  func refusesHostileHeaders(header: String) {
    let data = header.contains("[0,12]") ? 8 : header.contains("[4,8]") ? 8 : 4
    #expect(failure(bytes(header, data: data)) != nil)
  }

  private static func fields(_ type: String, _ shape: String, _ offsets: String) -> String {
    "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  private static func tensor(
    _ type: String, _ shape: String, _ offsets: String, name: String = "a"
  ) -> String { "{\"\(name)\":\(fields(type, shape, offsets))}" }

  @Test("null for no metadata is none, as in the reference implementation")
  func nullMetadata() throws {
    try withTemporaryFolder { folder in
      let header = #"{"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
      let count = [UInt8(header.utf8.count)] + Array(repeating: 0, count: 7)
      try AtomicFile.write(count + Array(header.utf8) + [5], to: folder + "/a.safetensors")
      let file = try SafetensorsFile(folder + "/a.safetensors")
      #expect(file.names == ["a"] && file.metadata.isEmpty)
    }
  }

  @Test("bytes at the end that belong to no tensor are refused")
  func refusesTrailingBytes() {
    let header = Self.tensor("F32", "[1]", "[0,4]")
    #expect(failure(bytes(header, data: 4)) == nil)
    #expect(failure(bytes(header, data: 5)) != nil)
    #expect(failure(bytes("{}", data: 0)) == nil)
    #expect(failure(bytes("{}", data: 1)) != nil)
  }

  @Test("a header that is not UTF-8 is refused")
  func refusesBrokenUTF8() {
    var file = bytes(Self.tensor("F32", "[1]", "[0,4]"), data: 4)
    file[10] = 0xFF
    #expect(failure(file) != nil)
  }

  @Test("any byte of a header changed is read or refused, never a trap")
  func survivesEveryByteChanged() {
    let whole = bytes(Self.tensor("F32", "[1]", "[0,4]"), data: 4)
    for index in whole.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = whole
        changed[index] = byte
        _ = failure(changed)
      }
    }
  }

  @Test(
    "a file of another kind is named for what it is",
    arguments: [
      ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
      ("PK\u{3}\u{4}archive/data.pkl", "call it .bin"), ("<!DOCTYPE html><html>", "web page"),
      ("GGUF\u{3}\0\0\0", "GGUF"),
    ])
  func namesOtherKinds(start: String, word: String) throws {
    let error = try #require(failure(Array(start.utf8)))
    #expect("\(error)".contains(word))
  }

  @Test("a tensor that lies askew in the file is read all the same")
  func readsMisaligned() throws {
    for pad in 0..<4 {
      let header = Self.tensor("F32", "[2]", "[0,8]") + String(repeating: " ", count: pad)
      let values: [Float] = [1.5, -2]
      let file = bytes(header) + values.withUnsafeBytes { Array($0) }
      try withTemporaryFolder { folder in
        try AtomicFile.write(file, to: folder + "/x")
        let tensor = try SafetensorsFile(folder + "/x").tensor("a")
        #expect(try tensor?.floats() == values)
      }
    }
  }

  @Test("what is written reads back the same, aligned")
  func writes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.safetensors"
      let matrix = try Tensor([Float](arrayLiteral: 1, 2, 3, 4, 5, 6), shape: [2, 3])
      let bytes = try #require(try SafetensorsFile(reference).tensor("bytes"))
      try SafetensorsFile.write(
        [
          ("bytes", bytes), ("matrix", matrix), ("turned", matrix.permuted([1, 0])),
          ("count", Tensor([Int32(-1)], shape: [])), ("none", Tensor([Float](), shape: [3, 0])),
        ], metadata: ["é": "\n"], to: path)
      let file = try SafetensorsFile(path)
      #expect(file.metadata == ["é": "\n"])
      #expect(Set(file.names) == ["bytes", "matrix", "turned", "count", "none"])
      #expect(file.names.last == "bytes")
      #expect(try file.tensor("matrix")?.floats() == [1, 2, 3, 4, 5, 6])
      #expect(try file.tensor("turned")?.floats() == [1, 4, 2, 5, 3, 6])
      #expect(try file.tensor("turned")?.shape == [3, 2])
      #expect(try file.tensor("count")?.integers() == [-1])
      #expect(try file.tensor("none")?.shape == [3, 0])
      #expect(file.info("bytes")?.dtype == "U8")
      let start = try FileSystem.read(path, limit: 1 << 20)[0]
      #expect(start % 8 == 0)
    }
  }

  @Test("two tensors of one name are not written")
  func refusesToWriteDuplicates() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      let one = try Tensor(repeating: 1, shape: [1])
      #expect(throws: FormatError.duplicateTensor(name: "a", file: path)) {
        try SafetensorsFile.write([("a", one), ("a", one)], to: path)
      }
      #expect(throws: FormatError.self) {
        try SafetensorsFile.write([("__metadata__", one)], to: path)
      }
      #expect(try FileSystem.list(folder).isEmpty)
    }
  }

  @Test("empty files, folders and devices are refused")
  func refusesOtherThings() throws {
    try withTemporaryFolder { folder in
      #expect(throws: FormatError.notAFile(path: folder)) { try SafetensorsFile(folder) }
      #expect(throws: FormatError.notAFile(path: "/dev/zero")) { try SafetensorsFile("/dev/zero") }
      #expect(throws: FormatError.cannotRead(path: folder + "/y", code: 2)) {
        try SafetensorsFile(folder + "/y")
      }
    }
    #expect(failure([]) != nil)
  }
}
