import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// What comes behind the pooling of a text's states.
enum EmbeddingStep: Sendable {
  /// Vectors scaled to length 1.
  case normalization
  case module(any VectorModule, file: String)

  /// Loads a module.
  ///
  /// - Parameters:
  ///   - module: where it is.
  ///   - precision: what it computes in.
  ///   - notes: gets a line for each setting without an effect.
  /// - Throws: ``FormatError``, ``ModelError``.
  init(_ module: EmbeddingFiles.Module, _ precision: Precision, _ notes: inout [String]) throws {
    switch module {
    case .normalize: self = .normalization
    case .map(let name, let path):
      let file = try GGUFFile(path)
      let shape = file.info(name)?.shape ?? []
      guard shape.count == 2, let make = ModelCatalogue.vectorModules["Dense"] else {
        throw FormatError.badShape(name: name, shape: shape, file: path)
      }
      let settings: [String: JSONValue] = [
        "in_features": .integer(shape[1]), "out_features": .integer(shape[0]), "bias": false,
        "activation_function": "Identity",
      ]
      let map = RenamedFile(file, [("linear.weight", TensorView(name))])
      let weights = Weights(TensorArchive(files: [map]), precision: precision)
      self = .module(try make(Config(settings, file: path), weights), file: path)
    case .network(let kind, let folder):
      let file = FileSystem.join(folder, "config.json")
      let config = try Config(path: file)
      let archive = try TensorArchive(folder: folder, stems: LanguageModel.stems)
      guard let make = ModelCatalogue.vectorModules[kind] else {
        throw FormatError.unsupportedSetting(key: "type", value: JSON.quoted(kind), file: file)
      }
      self = .module(try make(config, Weights(archive, precision: precision)), file: file)
      notes += config.notes
    }
  }

  var isNormalization: Bool { if case .normalization = self { true } else { false } }

  /// Vectors behind the step.
  func callAsFunction(_ rows: [[Float]]) throws(TensorError) -> [[Float]] {
    guard case .module(let module, _) = self else { return rows.map(Self.normalized) }
    let vectors = try Tensor(Array(rows.joined()), shape: [rows.count, module.inputs])
    let values = try module(vectors).floats()
    return rows.indices.map {
      Array(values[$0 * module.outputs..<($0 + 1) * module.outputs])
    }
  }

  /// A vector scaled to length 1; one of zeros stays.
  static func normalized(_ row: [Float]) -> [Float] {
    let length = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    return row.map { Float(Double($0) / max(length, 1e-12)) }
  }

  /// How many features vectors have behind all steps.
  ///
  /// - Throws: ``RequestError/mismatch(reason:path:)`` for a step that takes another number than the one before gives.
  static func features(behind steps: [EmbeddingStep], of pooled: Int, _ path: String) throws -> Int
  {
    var features = pooled
    for case .module(let module, let file) in steps {
      guard module.inputs == features else {
        throw RequestError.mismatch(
          reason: "in_features is \(module.inputs), and what comes in has \(features)", path: file)
      }
      features = module.outputs
    }
    return features
  }
}
