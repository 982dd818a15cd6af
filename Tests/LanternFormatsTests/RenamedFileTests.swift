import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Tensors of a file under other names.
@Suite struct RenamedFileTests {
  @Test("a name is found by its longest prefix of whole parts, and back")
  func table() {
    let table = NameTable([
      ("input_blocks.1", "a"), ("input_blocks.1.0", "b"), ("out", "c.0"), ("whole.name", "d"),
    ])
    #expect(table("input_blocks.1.1.weight") == "a.1.weight")
    #expect(table("input_blocks.1.0.weight") == "b.weight")
    #expect(table("input_blocks.10.0.weight") == nil)
    #expect(table("whole.name") == "d")
    #expect(table("outer.weight") == nil && table("") == nil)
    #expect(table.inverse("c.0.bias") == "out.bias")
    #expect(table.inverse("c.01.bias") == nil)
  }

  private func file(_ body: (SafetensorsFile) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let matrix = try Tensor((0..<12).map(Float.init), shape: [6, 2]).converted(to: .float16)
      try SafetensorsFile.write(
        [
          ("joined", matrix), ("pixel", try matrix.reshaped([6, 2, 1, 1])),
          ("scale", try Tensor([0.5] as [Float], shape: [])),
          ("nothing", try Tensor([.nan] as [Float], shape: [1])),
        ], to: path)
      try body(try SafetensorsFile(path))
    }
  }

  @Test("tensors are rows, transposes, matrices of 1×1 convolutions and multiples of stored ones")
  func views() throws {
    try file { file throws in
      var (scaled, pixel) = (TensorView("joined"), TensorView("pixel"))
      scaled.scale = "scale"
      pixel.dropsTrailingOnes = true
      let renamed = RenamedFile(
        file,
        [
          ("k", TensorView("joined", rows: 2..<4)), ("t", TensorView("joined", isTransposed: true)),
          ("p", pixel), ("s", scaled), ("k", TensorView("scale")),
        ])
      #expect(renamed.names == ["k", "t", "p", "s"])
      #expect(renamed.info("k")?.shape == [2, 2] && renamed.info("t")?.shape == [2, 6])
      #expect(try renamed.tensor("k")?.floats() == [4, 5, 6, 7])
      #expect(
        try renamed.tensor("t")?.floats() == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])
      #expect(try renamed.tensor("p")?.shape == [6, 2])
      #expect(try renamed.tensor("s")?.floats() == (0..<12).map { Float($0) / 2 })
      #expect(try renamed.tensor("t")?.dtype == .float16)
      #expect(try renamed.tensor("joined") == nil)
      #expect(renamed.byteCount == 8 + 24 + 24 + 24)
    }
  }

  @Test("rows that are not there, a transpose of no matrix and a scale that is no number are told")
  func unsound() throws {
    try file { file throws in
      var scaled = TensorView("joined")
      scaled.scale = "nothing"
      for view in [
        TensorView("joined", rows: 5..<7), TensorView("pixel", isTransposed: true), scaled,
      ] {
        let renamed = RenamedFile(file, [("a", view)])
        #expect(throws: FormatError.self) { try renamed.tensor("a") }
      }
    }
  }
}
