import Foundation
import Lantern
import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Folders written anew in shards against transformers' save_pretrained: tools/fixtures/language_shards.py.
@Suite struct LanguageShardTests {
  private static let names = [
    "language_folders/llama", "language_folders/qwen3", "language_folders/gemma3",
    "language_folders/phi3", "language_folders/gpt2", "sentence_folders/bert",
  ]

  /// The tensors of an index, by file, with its totals.
  private func index(_ value: JSONValue?) -> (totals: [String: Int], files: [String: String]) {
    let members = value?.object
    return (
      members?["metadata"]?.object?.compactMapValues(\.integer) ?? [:],
      members?["weight_map"]?.object?.compactMapValues(\.string) ?? [:]
    )
  }

  @Test("shards hold the tensors that transformers' hold, with its totals", arguments: names)
  func shards(name: String) throws {
    let reference = try JSON.read(fixture("language_shards.json")).object?[name]?.object ?? [:]
    #expect(reference.count == 4)
    let source = fixture(name)
    for (size, wanted) in reference {
      try withTemporaryFolder { folder in
        let target = "\(folder)/model"
        let limit = try #require(ShardSize.bytes(size))
        try LanguageFolder(source, to: target, limit: limit).write()
        let path = "\(target)/model.safetensors.index.json"
        guard wanted != .null else {
          #expect(!FileManager.default.fileExists(atPath: path))
          #expect(FileManager.default.fileExists(atPath: "\(target)/model.safetensors"))
          return
        }
        let (found, expected) = (index(try JSON.read(path)), index(wanted))
        #expect(found.totals == expected.totals, "\(size)")
        #expect(found.files == expected.files, "\(size)")
        let (old, new) = try (
          TensorArchive(folder: source, stems: ["model"]),
          TensorArchive(folder: target, stems: ["model"])
        )
        #expect(Set(old.names) == Set(new.names))
        for tensor in old.names {
          let one = try #require(try old.tensor(tensor))
          let other = try #require(try new.tensor(tensor))
          #expect(one.dtype == other.dtype && one.shape == other.shape)
          #expect(try one.floats() == other.floats(), "\(tensor)")
        }
      }
    }
  }

  @Test("a folder written anew has all that the first has, and another type where one is given")
  func rest() throws {
    try withTemporaryFolder { folder in
      let source = fixture("sentence_folders/roberta")
      let model = "\(folder)/old"
      try FileManager.default.copyItem(atPath: source, toPath: model)
      try AtomicFile.write([0], to: "\(model)/pytorch_model.bin")
      let written = try LanguageFolder(model, to: "\(folder)/new", as: .float16, limit: 9000)
      #expect(written.notes == ["left out: pytorch_model.bin"], "\(written.notes)")
      try written.write()
      let old = try FileManager.default.subpathsOfDirectory(atPath: source)
      let new = Set(try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/new"))
      for path in old where path != "model.safetensors" { #expect(new.contains(path), "\(path)") }
      #expect(!new.contains("pytorch_model.bin") && new.contains("model.safetensors.index.json"))
      let config = try JSON.read("\(folder)/new/config.json").object
      #expect(config?["dtype"] == "float16")
      let archive = try TensorArchive(folder: "\(folder)/new", stems: ["model"])
      #expect(archive.names.allSatisfy { archive.info($0)?.dtype == "F16" })
      #expect(try TextEmbedder(path: "\(folder)/new").features == 10)
      #expect(throws: FormatError.self) {
        try LanguageFolder(model, to: "\(folder)/new").write()
      }
    }
  }

  @Test("sizes are those of huggingface_hub, and no others")
  func sizes() {
    for (text, bytes) in [
      ("1KB", 1000), ("500MB", 500_000_000), ("5gb", 5_000_000_000), ("2 TB", 2_000_000_000_000),
    ] {
      #expect(ShardSize.bytes(text) == bytes, "\(text)")
    }
    for text in ["", "5", "5B", "GB", "0GB", "-1GB", "1.5GB", "5GiB", "99999999999999999TB"] {
      #expect(ShardSize.bytes(text) == nil, "\(text)")
    }
  }
}
