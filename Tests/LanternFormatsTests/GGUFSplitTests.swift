import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// A GGUF file in three parts: tools/fixtures/gguf_split.py.
@Suite struct GGUFSplitTests {
  private static func name(_ number: Int) -> String { "split-0000\(number)-of-00003.gguf" }

  @Test("any part of a file opens all, with the keys of the first", arguments: [1, 2, 3])
  func parts(number: Int) throws {
    let file = try GGUFFile(fixture("gguf_split/\(Self.name(number))"))
    #expect(file.names == (0..<7).map { "t\($0)" })
    #expect(file.values["general.name"]?.string == "seven tensors")
    #expect(file.path.hasSuffix(Self.name(1)))
    for index in 0..<7 {
      let tensor = try #require(try file.tensor("t\(index)"))
      #expect(try tensor.floats() == Array(repeating: Float(index), count: 6))
    }
    let sizes = try (1...3).map {
      try Data(contentsOf: URL(fileURLWithPath: fixture("gguf_split/\(Self.name($0))"))).count
    }
    #expect(file.byteCount == sizes.reduce(0, +))
  }

  @Test("a part that is missing, or has another's place or name, is told by its name")
  func missing() throws {
    try withTemporaryFolder { folder in
      func complaint(opening number: Int = 1) -> String {
        do {
          _ = try GGUFFile("\(folder)/\(Self.name(number))")
          return "opened"
        } catch { return "\(error)" }
      }
      for number in 1...3 {
        try FileManager.default.copyItem(
          atPath: fixture("gguf_split/\(Self.name(number))"),
          toPath: "\(folder)/\(Self.name(number))")
      }
      #expect(complaint() == "opened")
      try FileManager.default.moveItem(
        atPath: "\(folder)/\(Self.name(3))", toPath: "\(folder)/other.gguf")
      let words = complaint()
      #expect(words.contains("\(Self.name(3)): there is no such file"), "\(words)")
      #expect(words.contains("part 3 of 3"), "\(words)")
      let error = try #require(throws: FormatError.self) { try GGUFFile("\(folder)/other.gguf") }
      #expect("\(error)".contains("part 3 of 3, whose name ends in -00003-of-00003.gguf"))
      try FileManager.default.copyItem(
        atPath: "\(folder)/\(Self.name(2))", toPath: "\(folder)/\(Self.name(3))")
      #expect(complaint().contains("it is not part 3 of 3"), "\(complaint())")
      #expect(
        complaint(opening: 3).contains("whose name ends in -00002"), "\(complaint(opening: 3))")
    }
  }
}
