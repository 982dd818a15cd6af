import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// The fixtures are written by torch.save: tools/fixtures/torch_file.py.
@Suite struct TorchFileTests {
  private func path(_ name: String) -> String { fixture("torch_file/\(name)") }

  @Test(
    "tensors, views among them, equal those that safetensors holds",
    arguments: ["plain.pt", "nested.pt", "old.pt"])
  func tensors(name: String) throws {
    let file = try TorchFile(path(name))
    let wanted = try SafetensorsFile(path("plain.safetensors"))
    #expect(Set(file.names) == Set(wanted.names) && file.names.count == 13)
    for name in wanted.names where name != "long" {
      #expect(file.info(name)?.shape == wanted.info(name)?.shape, "\(name)")
      #expect(file.info(name)?.dtype == wanted.info(name)?.dtype, "\(name)")
      let (ours, theirs) = (
        try #require(try file.tensor(name)), try #require(try wanted.tensor(name))
      )
      #expect(ours.isContiguous && ours.dtype == theirs.dtype && ours.shape == theirs.shape)
      let count = theirs.elementCount * theirs.dtype.byteSize
      #expect(
        UnsafeRawBufferPointer(start: ours.bytes, count: count)
          .elementsEqual(UnsafeRawBufferPointer(start: theirs.bytes, count: count)), "\(name)")
    }
    #expect(throws: FormatError.self) { try file.tensor("long") }
    #expect(try file.tensor("nobody") == nil)
  }

  @Test(
    "a file cut short at any length is an error, never a trap", arguments: ["plain.pt", "old.pt"])
  func truncation(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    try withTemporaryFolder { folder in
      let cut = URL(fileURLWithPath: "\(folder)/cut.pt")
      for count in stride(from: 0, to: whole.count, by: name == "old.pt" ? 1 : 7) {
        try whole.prefix(count).write(to: cut)
        #expect(throws: FormatError.self) { try TorchFile(cut.path) }
      }
    }
  }

  @Test(
    "a damaged byte anywhere is an error or another tensor, never a trap",
    arguments: ["nested.pt", "old.pt"])
  func damage(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    try withTemporaryFolder { folder in
      let damaged = URL(fileURLWithPath: "\(folder)/damaged.pt")
      for index in 0..<whole.count {
        // One way each; tools/fuzz/run tries many more.
        let values = [0, 255, whole[index] ^ 1, UInt8.random(in: 0...255)]
        var bytes = whole
        bytes[index] = values[index % values.count]
        try bytes.write(to: damaged)
        guard let file = try? TorchFile(damaged.path) else { continue }
        for name in file.names { _ = try? file.tensor(name) }
      }
    }
  }

  @Test(
    "in the form before PyTorch 1.6 other byte orders, storages and versions are refused by name")
  func old() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: path("old.pt")))
    func complaint(_ old: [UInt8], _ new: [UInt8]) throws -> String {
      var bytes = whole
      let range = try #require(bytes.firstRange(of: Data(old)), "\(old)")
      bytes.replaceSubrange(range, with: Data(new))
      return try withTemporaryFolder { folder in
        try bytes.write(to: URL(fileURLWithPath: "\(folder)/old.pt"))
        let error = #expect(throws: FormatError.self) { try TorchFile("\(folder)/old.pt") }
        return error.map { "\($0)" } ?? ""
      }
    }
    func other(_ old: String, _ new: String) throws -> String {
      try complaint(Array(old.utf8), Array(new.utf8))
    }
    #expect(try other("little_endian", "middle_endian").contains("not little-endian"))
    #expect(try other("FloatStorage", "GloatStorage").contains("unknown type \"GloatStorage\""))
    // The version, 1001, is a pickle of its own.
    let (version, next) = (
      [0x4D, 0xE9, 0x03, 0x2E] as [UInt8], [0x4D, 0xEA, 0x03, 0x2E] as [UInt8]
    )
    #expect(try complaint(version, next).contains("another version"))
  }

  @Test("an archive takes a checkpoint where there are no safetensors")
  func archive() throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.copyItem(atPath: path("plain.pt"), toPath: "\(folder)/pytorch_model.bin")
      let archive = try TensorArchive(folder: folder, stems: ["model", "pytorch_model"])
      #expect(archive.contains("turned") && archive.names.count == 13)
      let index = #"{"weight_map": {"half": "a.bin", "whole": "a.bin"}}"#
      try manager.moveItem(atPath: "\(folder)/pytorch_model.bin", toPath: "\(folder)/a.bin")
      try index.write(
        toFile: "\(folder)/pytorch_model.bin.index.json", atomically: false, encoding: .utf8)
      let parts = try TensorArchive(folder: folder, stems: ["model", "pytorch_model"])
      #expect(parts.names.sorted() == ["half", "whole"])
    }
  }
}
