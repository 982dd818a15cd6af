import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// GGUF files that Lantern writes: tools/fixtures/gguf_encoders.py.
@Suite struct GGUFWritingTests {
  private let fixtureFile = fixture("gguf_encoders.gguf")

  @Test(
    "numbers become gguf-py's blocks, byte for byte",
    arguments: ["F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"])
  func blocks(name: String) throws {
    let file = try GGUFFile(fixtureFile)
    let numbers = try #require(try file.tensor("numbers"))
    let format = try #require(GGMLType.named(name)?.format)
    let found = try StoredTensor(encoding: numbers, as: format)
    let wanted = try #require(try file.stored(name))
    let (ours, theirs) = (Array(found.bytes), Array(wanted.bytes))
    #expect(ours.count == theirs.count)
    let different = zip(ours, theirs).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    #expect(different.isEmpty, "\(different.prefix(10)) of \(ours.count)")
  }

  @Test(
    "blocks of 256 come nearer to numbers than llama.cpp's, and no row of them 2 % less near",
    arguments: [("Q4_K", 0.99), ("Q6_K", 0.98)])
  func errors(name: String, share: Double) throws {
    let file = try GGUFFile(fixtureFile)
    let numbers = try #require(try file.tensor("numbers"))
    let format = try #require(GGMLType.named(name)?.format)
    let wanted = try numbers.floats()
    func errors(_ stored: StoredTensor) throws -> [Double] {
      let found = try stored.tensor().converted(to: .float32).floats()
      return stride(from: 0, to: wanted.count, by: 256).map { first in
        (first..<first + 256).reduce(0) { (sum: Double, index: Int) in
          sum + pow(Double(found[index] - wanted[index]), 2)
        }
      }
    }
    let ours = try errors(StoredTensor(encoding: numbers, as: format))
    let theirs = try errors(try #require(try file.stored(name)))
    for (row, (our, their)) in zip(ours, theirs).enumerated() {
      #expect(our <= their * 1.02 + 1e-12, "row \(row): \(our) where llama.cpp has \(their)")
    }
    let random = (ours[..<6].reduce(0, +) / theirs[..<6].reduce(0, +)).squareRoot()
    #expect(random < share, "\(random)")
    print("\(name): \(random) of llama.cpp's root mean square error on normal numbers")
  }

  @Test(
    "keys and tensors are read as they were written, and keys of another file as they were there")
  func roundTrip() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.gguf"
      let other = try GGUFFile(fixture("gguf_blocks/blocks.gguf"))
      let numbers = try Tensor((0..<96).map { Float($0) / 7 }, shape: [3, 32])
      let type = try #require(GGMLType.named("Q8_0"))
      let copied = try #require(GGMLType.named("Q3_K"))
      let shape = try #require(other.info("Q3_K")?.shape)
      try GGUFFile.write(
        other.fields + [
          GGUFField("a", "größe"), GGUFField("b", -1 + 8), GGUFField("c", Float(0.1)),
          GGUFField("d", ["x", ""]), GGUFField("e", [1, -2]), GGUFField("f", true),
          GGUFField("g", [Float(0.5)]),
        ],
        [
          GGUFTensor("n", [3, 32], encodedAs: type) { () throws(FormatError) in numbers },
          GGUFTensor("copy", shape, copied) { () throws(FormatError) in
            guard let found = try other.stored("Q3_K") else {
              throw .missingTensor(name: "Q3_K", file: "blocks.gguf")
            }
            return found
          },
        ], to: path)
      let file = try GGUFFile(path)
      #expect(file.names == ["n", "copy"])
      for (key, value) in other.values where value.array == nil {
        #expect("\(file.values[key] ?? .bool(false))" == "\(value)", "\(key)")
      }
      #expect(file.values["strings"]?.array?.strings == other.values["strings"]?.array?.strings)
      #expect(file.values["a"]?.string == "größe" && file.values["b"]?.integer == 7)
      #expect(file.values["c"]?.number == Double(Float(0.1)) && file.values["f"]?.bool == true)
      #expect(file.values["d"]?.array?.strings == [Array("x".utf8), []])
      #expect(file.values["e"]?.array?.integers == [1, -2])
      #expect(file.values["g"]?.array?.numbers == [0.5])
      let found = try #require(try file.tensor("n")).floats()
      #expect(zip(found, try numbers.floats()).allSatisfy { abs($0 - $1) < 0.06 })
      let (copy, original) = (
        try #require(try file.stored("copy")), try #require(try other.stored("Q3_K"))
      )
      #expect(copy.bytes.elementsEqual(original.bytes))
      withExtendedLifetime((copy, original)) {}
    }
  }

  @Test("numbers that a type does not hold are refused, and nothing is written")
  func overflow() throws {
    try withTemporaryFolder { folder in
      for number in [Float.infinity, .nan, 1e7, -3e38] {
        let numbers = try Tensor(repeating: number, shape: [1, 256])
        for type in GGMLType.written where type.name != "F32" && type.name != "BF16" {
          // The steps of blocks of 256 are multiples of a smaller number.
          if number == 1e7, type.name.hasSuffix("_K") { continue }
          let error = try #require(throws: FormatError.self, "\(type.name) \(number)") {
            try GGUFFile.write(
              [],
              [GGUFTensor("x", [1, 256], encodedAs: type) { () throws(FormatError) in numbers }],
              to: "\(folder)/x.gguf")
          }
          #expect("\(error)".contains("\"x\" has numbers that \(type.name) does not hold"))
          #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
      }
    }
  }

  @Test("rows that do not fill blocks fall back as llama.cpp's")
  func fallback() throws {
    let cases = [
      ("Q4_K", 512, "Q4_K"), ("Q4_K", 96, "Q5_0"), ("Q6_K", 96, "Q8_0"), ("Q4_K", 48, "F16"),
      ("Q8_0", 33, "F16"), ("F32", 7, "F32"), ("Q4_0", 64, "Q4_0"),
    ]
    for (name, count, wanted) in cases {
      #expect(GGMLType.named(name)?.holding(rowsOf: count)?.name == wanted, "\(name) \(count)")
    }
    let names = ["F32", "BF16", "F16", "Q8_0", "Q6_K", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q4_K"]
    #expect(Set(GGMLType.written.map(\.name)) == Set(names))
  }
}
