import Foundation
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

  @Test("one file is found by its stem, plain or of a variant", arguments: ["", ".fp16"])
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

  @Test("a file that is written to after it was opened is not read on; the one that was opened is")
  func changedFiles() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/m.safetensors"
      for change in ["none", "longer", "replaced", "rewritten", "gone"] {
        try write(["a"], path)
        let archive = try TensorArchive(folder: folder, stems: ["m"])
        switch change {
        case "longer":
          let file = try #require(FileHandle(forWritingAtPath: path))
          try file.seekToEnd()
          try file.write(contentsOf: [0])
          try file.close()
        case "replaced":
          try write(["bb", "a"], folder + "/other")
          try FileManager.default.removeItem(atPath: path)
          try FileManager.default.moveItem(atPath: folder + "/other", toPath: path)
        case "rewritten":
          try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: path)
        case "gone": try FileManager.default.removeItem(atPath: path)
        default: break
        }
        if ["none", "replaced", "gone"].contains(change) {
          #expect(try archive.tensor("a")?.floats() == [1])
        } else {
          #expect(throws: FormatError.changed(path: path), "\(change)") {
            try archive.tensor("a")
          }
        }
      }
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

  private func missing(_ folder: String, _ variant: String? = nil) -> String {
    do throws(FormatError) {
      _ = try TensorArchive(folder: folder, stems: ["m", "n"], variant: variant)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("plain weights are taken unless a variant is named that is there")
  func variants() throws {
    try withTemporaryFolder { folder in
      try write(["plain"], folder + "/m.safetensors")
      for variant in ["fp16", "non_ema"] {
        try write([variant], folder + "/m.\(variant).safetensors")
      }
      func read(_ variant: String?) throws -> (String?, String?, [String]) {
        let archive = try TensorArchive(folder: folder, stems: ["m"], variant: variant)
        return (archive.names.first, archive.variant, archive.notes)
      }
      #expect(try read(nil) == ("plain", nil, []))
      #expect(try read("fp16") == ("fp16", "fp16", []))
      #expect(try read("non_ema") == ("non_ema", "non_ema", []))
      #expect(try read("ema") == ("plain", nil, []))
      #expect(TensorArchive.variants(in: folder, stems: ["m"]) == ["fp16", "non_ema"])
    }
  }

  @Test(
    "without plain weights the only variant is taken and told, whole or in parts, in any spelling",
    arguments: [
      ["m.bf16.safetensors"], ["m.ema.safetensors"],
      ["m.safetensors.index.bf16.json", "m-00001-of-00001.bf16.safetensors"],
      ["m.bf16.safetensors.index.json", "m.bf16-00001-of-00001.safetensors"],
    ])
  func onlyVariant(names: [String]) throws {
    try withTemporaryFolder { folder in
      let weights = names.last ?? ""
      try write(["a"], "\(folder)/\(weights)")
      if names.count > 1 {
        let index = #"{"weight_map": {"a": "\#(weights)"}}"#
        try AtomicFile.write(Array(index.utf8), to: "\(folder)/\(names[0])")
      }
      let archive = try TensorArchive(folder: folder, stems: ["n", "m"])
      let variant = names[0].contains("bf16") ? "bf16" : "ema"
      #expect(archive.names == ["a"] && archive.variant == variant)
      #expect(
        archive.notes == [
          "\(folder): has weights of the variant \"\(variant)\" alone, which are used"
        ])
      #expect(try TensorArchive(folder: folder, stems: ["m"], variant: variant).notes.isEmpty)
    }
  }

  @Test("PyTorch's checkpoints have variants too, and are told by content")
  func pickledVariants() throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      let (torch, plain) = (fixture("torch_file/plain.pt"), fixture("torch_file/plain.safetensors"))
      try manager.copyItem(atPath: torch, toPath: folder + "/n.fp16.bin")
      #expect(try TensorArchive(folder: folder, stems: ["m", "n"]).variant == "fp16")
      try manager.copyItem(atPath: plain, toPath: folder + "/n.bin")
      let archive = try TensorArchive(folder: folder, stems: ["m", "n"])
      #expect(archive.variant == nil && archive.names.count == 13)
      // As in diffusers, plain pickles come before safetensors of a variant.
      try manager.copyItem(atPath: plain, toPath: folder + "/m.fp16.safetensors")
      #expect(try TensorArchive(folder: folder, stems: ["m", "n"]).variant == nil)
    }
  }

  @Test("where weights cannot be chosen or are under another name, what is there is said")
  func saysWhatIsThere() throws {
    try withTemporaryFolder { folder in
      for variant in ["fp16", "ema"] { try write(["a"], folder + "/m.\(variant).safetensors") }
      #expect(missing(folder).contains("the variants ema, fp16: name one of them"))
      #expect(missing(folder, "int8").contains("the variants ema, fp16"))
      #expect(missing(folder, "ema") == "")
    }
    try withTemporaryFolder { folder in
      try write(["a"], folder + "/m-00001-of-00002.safetensors")
      #expect(missing(folder).contains("m.safetensors.index.json: there is no such file"))
    }
    try withTemporaryFolder { folder in
      try write(["a"], folder + "/other.safetensors")
      #expect(missing(folder).contains("if \"other.safetensors\" is it, rename that"))
      #expect(!missing(folder).contains("pickle"))
    }
    for (bytes, name, said) in [
      (Array("GGUF\u{3}\0\0\0".utf8), "model.gguf", "if \"model.gguf\" is it, rename that"),
      ([0x83, 0xA4] + Array("unet".utf8), "flax_model.msgpack", "is a Flax checkpoint"),
      ([0x80, 0x02, 0x7D, 0x71], "pytorch_model.bin", "is a Python pickle; convert it: python"),
    ] {
      try withTemporaryFolder { folder in
        try AtomicFile.write(bytes, to: "\(folder)/\(name)")
        #expect(missing(folder).contains(said), "\(missing(folder))")
      }
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
