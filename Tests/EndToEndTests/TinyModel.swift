import Foundation
import LanternFormats
import TestSupport
import Testing

/// A copy of the tiny model, to be drawn with or damaged. tools/fixtures/tiny_model.py makes it.
struct TinyModel {
  /// A folder that holds the model's, and is thrown away.
  let root: String
  /// The model's folder.
  var path: String { root + "/model" }
  /// An empty folder to write to.
  var out: String { root + "/out" }

  /// What lies in ``out``.
  var written: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: out).sorted() }
  }

  /// Runs `body` with a fresh copy.
  static func copied(_ body: (TinyModel) throws -> Void) throws {
    try withTemporaryFolder { root in
      let model = TinyModel(root: root)
      try FileManager.default.copyItem(atPath: fixture("tiny_model"), toPath: model.path)
      try FileManager.default.createDirectory(
        atPath: model.out, withIntermediateDirectories: false)
      try body(model)
    }
  }

  /// Runs `lantern image` with this model, a step at a time, in ``out``.
  func draw(
    _ arguments: String..., steps: Int = 1, shell: String? = nil, interruptedAt: String? = nil,
    signal: Int32 = SIGINT
  ) throws -> Program.Run {
    try Program.run(
      ["image", "-m", path, "--steps", "\(steps)"] + arguments, in: out, shell: shell,
      interruptedAt: interruptedAt, signal: signal)
  }

  /// Where a file of the model is.
  func file(_ name: String) -> URL { URL(fileURLWithPath: path + "/" + name) }

  /// Changes a file's bytes.
  func change(_ name: String, _ body: (inout Data) throws -> Void) throws {
    var data = try Data(contentsOf: file(name))
    try body(&data)
    try data.write(to: file(name))
  }

  /// Puts one text in the place of another; it must be there.
  func replace(_ name: String, _ old: String, _ new: String) throws {
    try change(name) { data in
      let range = try #require(data.firstRange(of: Data(old.utf8)), "no \(old) in \(name)")
      data.replaceSubrange(range, with: Data(new.utf8))
    }
  }

  /// Changes the header of a safetensors file, and the length that stands before it.
  func changeHeader(_ name: String, _ body: (inout Data) throws -> Void) throws {
    try change(name) { data in
      let count = Int(data.prefix(8).enumerated().reduce(0) { $0 + UInt64($1.1) << (8 * $1.0) })
      var header = Data(data[8..<8 + count])
      try body(&header)
      let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
      data = length + header + data[(8 + count)...]
    }
  }

  /// Puts one text in the place of another in the header of a safetensors file.
  func replaceHeader(_ name: String, _ old: String, _ new: String) throws {
    try changeHeader(name) { header in
      let range = try #require(header.firstRange(of: Data(old.utf8)), "no \(old) in \(name)")
      header.replaceSubrange(range, with: Data(new.utf8))
    }
  }
}
