import LanternFormats
import LanternTensor
import TestSupport
import Testing

@Suite("TensorArchive")
struct TensorArchiveTests {
  private func write(_ names: [String], _ path: String) throws {
    try SafetensorsFile.write(
      names.map { ($0, try Tensor(repeating: Float($0.utf8.count), shape: [1])) }, to: path)
  }

  @Test("one file is found by its stem, plain before fp16", arguments: ["", ".fp16"])
  func findsOneFile(variant: String) throws {
    try withTemporaryFolder { folder in
      try write(["a", "bb"], "\(folder)/model\(variant).safetensors")
      let archive = try TensorArchive(folder: folder, stems: ["diffusion_pytorch_model", "model"])
      #expect(Set(archive.names) == ["a", "bb"])
      #expect(archive.contains("a") && !archive.contains("c"))
      #expect(try archive.tensor("bb")?.floats() == [2])
      #expect(try archive.tensor("c") == nil)
      #expect(archive.file(of: "a") == "\(folder)/model\(variant).safetensors")
      #expect(archive.file(of: "c") == "\(folder)/model\(variant).safetensors")
      #expect(archive.info("a")?.shape == [1])
      #expect(archive.byteCount > 8)
      archive.releasePages()
    }
  }

  @Test("weights in parts are read by their index")
  func readsParts() throws {
    try withTemporaryFolder { folder in
      try write(["a", "bb"], folder + "/m-00001-of-00002.safetensors")
      try write(["ccc"], folder + "/m-00002-of-00002.safetensors")
      let index = """
        {"metadata": {"total_size": 12}, "weight_map": {"a": "m-00001-of-00002.safetensors",
        "bb": "m-00001-of-00002.safetensors", "ccc": "m-00002-of-00002.safetensors"}}
        """
      try AtomicFile.write(Array(index.utf8), to: folder + "/m.safetensors.index.json")
      let archive = try TensorArchive(folder: folder, stems: ["m"])
      #expect(archive.names == ["a", "bb", "ccc"])
      #expect(try archive.tensor("ccc")?.floats() == [3])
      #expect(archive.file(of: "ccc").hasSuffix("m-00002-of-00002.safetensors"))
    }
  }

  @Test(
    "an unsound index is refused",
    arguments: [
      "[]", "{}", #"{"weight_map": []}"#, #"{"weight_map": {"a": 1}}"#,
      #"{"weight_map": {"a": "../a.safetensors"}}"#, #"{"weight_map": {"a": "/etc/passwd"}}"#,
      #"{"weight_map": {"a": ".."}}"#, #"{"weight_map": {"a": ""}}"#,
      #"{"weight_map": {"a": "missing.safetensors"}}"#,
      #"{"weight_map": {"b": "part.safetensors"}}"#, #"{"weight_map": {"a": "b\u0000"}}"#,
    ])
  func refusesUnsoundIndex(index: String) throws {
    try withTemporaryFolder { folder in
      try write(["a"], folder + "/part.safetensors")
      try AtomicFile.write(Array(index.utf8), to: folder + "/m.safetensors.index.json")
      #expect(throws: FormatError.self) { try TensorArchive(folder: folder, stems: ["m"]) }
    }
  }

  @Test("pickles are named with the way to convert them")
  func refusesPickles() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write([0x80], to: folder + "/pytorch_model.bin")
      let error = #expect(throws: FormatError.self) {
        try TensorArchive(folder: folder, stems: ["model"])
      }
      #expect(error.map { "\($0)" }?.contains("save_file") == true)
    }
  }

  @Test("an empty folder lacks the expected file by name")
  func namesMissingFile() throws {
    try withTemporaryFolder { folder in
      let error = #expect(throws: FormatError.self) {
        try TensorArchive(folder: folder, stems: ["model", "other"])
      }
      guard case .missingFile(let path, _)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(path == folder + "/model.safetensors")
      #expect(throws: FormatError.self) {
        try TensorArchive(folder: folder + "/none", stems: ["model"])
      }
    }
  }
}
