import LanternFormats
import LanternLayers
import LanternTensor
import TestSupport
import Testing

/// A small model of a fixture: its configuration, its checkpoint, and what the reference computes.
struct ModelFixture {
  private let file: SafetensorsFile
  private let name: String
  let config: [String: JSONValue]

  init(_ subject: String, _ name: String) throws {
    self.file = try SafetensorsFile(fixture("\(subject).safetensors"))
    self.name = name
    self.config = try #require(Self.json("configs", in: file).object?[name]?.object)
  }

  private static func json(_ key: String, in file: SafetensorsFile) throws -> JSONValue {
    let text = Array(try #require(file.metadata[key]).utf8)
    return try text.withUnsafeBytes { try JSON.parse($0, file: key) }
  }

  /// A text of JSON that came with the tensors.
  func json(_ key: String) throws -> JSONValue { try Self.json(key, in: file) }

  /// A tensor of the case; pictures channels-last.
  func tensor(_ key: String) throws -> Tensor {
    let stored = try #require(try file.tensor("\(name).\(key)"))
    return stored.rank == 4 ? try stored.permuted([0, 2, 3, 1]).contiguous() : stored
  }

  /// Names of the case's tensors that begin with `prefix`, without it.
  func names(_ prefix: String) -> [String] {
    let start = "\(name).\(prefix)"
    return file.names.filter { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
  }

  /// Builds the model from files, with settings and tensors as `change` leaves them.
  func build<Model>(
    _ make: (Config, Weights) throws(ModelError) -> Model,
    changing change: (inout [String: JSONValue], inout [String: Tensor]) throws -> Void = { _, _ in
    }
  ) throws -> Model {
    var config = config
    var weights: [String: Tensor] = [:]
    for key in names("weights.") { weights[key] = try file.tensor("\(name).weights.\(key)") }
    try change(&config, &weights)
    return try withTemporaryFolder { folder in
      let sorted = weights.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
      try SafetensorsFile.write(sorted, to: "\(folder)/model.safetensors")
      let archive = try TensorArchive(folder: folder, stems: ["model"])
      return try make(Config(config, file: "config.json"), Weights(archive))
    }
  }

  /// What is said when the changed model cannot be built, without the folder of the weights.
  func complaint<Model>(
    _ make: (Config, Weights) throws(ModelError) -> Model,
    _ change: (inout [String: JSONValue], inout [String: Tensor]) throws -> Void
  ) throws -> String {
    do {
      _ = try build(make, changing: change)
      return "built"
    } catch let error as ModelError {
      let words = "\(error)"
      guard words.hasPrefix("/"), let slash = words.prefix(while: { $0 != ":" }).lastIndex(of: "/")
      else { return words }
      return String(words[slash...].dropFirst())
    }
  }

  /// As ``complaint(_:_:)``, of a change to the weights alone.
  func complaintOfWeights<Model>(
    _ make: (Config, Weights) throws(ModelError) -> Model,
    _ change: (inout [String: Tensor]) throws -> Void
  ) throws -> String { try complaint(make) { try change(&$1) } }

  /// As ``complaint(_:_:)``, of one setting.
  func complaint<Model>(
    _ make: (Config, Weights) throws(ModelError) -> Model, _ key: String, _ value: JSONValue
  ) throws -> String { try complaint(make) { config, _ in config[key] = value } }
}
