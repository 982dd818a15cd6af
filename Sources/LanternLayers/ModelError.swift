public import LanternFormats
public import LanternTensor

/// What can go wrong while a model is built from its folder. Cases carry facts; ``description`` puts
/// them in a line.
public enum ModelError: Error, Sendable, Equatable {
  /// A file could not be read, or a setting in it is not supported.
  case file(FormatError)
  /// An operation on the weights failed, as for want of memory.
  case tensor(TensorError)
  /// The checkpoint lacks a tensor that the configuration calls for.
  case missingTensor(name: String, file: String)
  /// A tensor of the checkpoint has another shape than the configuration calls for.
  case wrongShape(name: String, expected: [Int], found: [Int], file: String)
  /// A tensor of the checkpoint is not of a floating-point type.
  case wrongType(name: String, found: DType, file: String)
  /// A tensor of the checkpoint holds NaN or infinity.
  case notFinite(name: String, file: String)
  /// The checkpoint holds tensors that the configuration does not use.
  case unusedTensors(names: [String], file: String)
  /// Two settings of a configuration contradict each other.
  case inconsistent(reason: String, file: String)
  /// A file of a kind that Lantern does not read.
  case unsupported(what: String, file: String)
  /// A file of a kind that Lantern reads elsewhere.
  case misplaced(found: String, wanted: String, file: String)
}

extension ModelError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .file(let inner): inner.kind
    case .tensor(let inner): inner.kind
    case .missingTensor, .wrongShape, .wrongType, .notFinite, .unusedTensors, .inconsistent,
      .unsupported, .misplaced:
      .data
    }
  }

  /// One line: what, where, what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .tensor(let error): "\(error)"
    case .missingTensor(let name, let file):
      "\(file): no tensor \"\(name)\", which its configuration calls for; "
        + "use the config.json and the weights of one and the same model"
    case .wrongShape(let name, let expected, let found, let file):
      "\(file): tensor \"\(name)\" has shape \(found), but the configuration calls for \(expected); "
        + "use the config.json and the weights of one and the same model"
    case .wrongType(let name, let found, let file):
      "\(file): tensor \"\(name)\" holds \(found.rawValue) numbers; weights must be f32, f16 or bf16"
    case .notFinite(let name, let file):
      "\(file): tensor \"\(name)\" holds NaN or infinity; the file is damaged, fetch it "
        + "again, or its training failed"
    case .unusedTensors(let names, let file):
      "\(file): \(names.count) tensors have no place in the model that the configuration describes, "
        + "the first \"\(names.first ?? "")\"; use the config.json and the weights of one model"
    case .inconsistent(let reason, let file): "\(file): \(reason); \(FormatError.mending)"
    case .unsupported(let what, let file): "\(file): \(what), which Lantern does not read"
    case .misplaced(let found, let wanted, let file):
      "\(file): is \(found), and no \(wanted); give it where such a file belongs"
    }
  }
}
