import LanternPlatform
public import LanternTensor

/// What can go wrong between bytes on disk and named tensors or settings, either way. Cases carry
/// facts; ``description`` puts them in a line.
public enum FormatError: Error, Sendable, Equatable {
  /// The system refused to open or read a file; `code` is its `errno`.
  case cannotRead(path: String, code: Int32)
  /// The system refused to write a file; `code` is its `errno`.
  case cannotWrite(path: String, code: Int32)
  /// A folder that another process is writing into.
  case inUse(path: String)
  /// A pipe, socket or disk is where a file should be written.
  case cannotHoldFile(path: String)
  /// A file that must be there is not.
  case missingFile(path: String, remedy: String)
  /// A folder was wanted, and something else is there.
  case notAFolder(path: String)
  /// A file was wanted, and a folder, pipe or device is there.
  case notAFile(path: String)
  /// A model that lacks a part.
  case missingPart(name: String, path: String)
  /// A file without a byte.
  case empty(path: String)
  /// A file larger than anything sensible of its kind.
  case tooLarge(path: String, byteCount: Int, limit: Int)
  /// A file that was written to since it was opened.
  case changed(path: String)
  /// A file that ends too soon: at `at` it should go on for `need` more bytes.
  case truncated(file: String, at: Int, need: Int)
  /// A kind of file that Lantern does not read.
  case unsupportedFileKind(path: String, remedy: String)

  /// Text that is not JSON, from byte `at` on.
  case malformedJSON(file: String, at: Int, reason: String)
  /// JSON with more lists and objects in one another than `limit`.
  case tooDeep(file: String, at: Int, limit: Int)
  /// An object with one key twice, at byte `at` the second time.
  case duplicateKey(key: String, file: String, at: Int)
  /// A setting that must be there is not.
  case missingKey(key: String, file: String)
  /// A setting of the wrong type.
  case wrongType(key: String, expected: String, file: String)
  /// A setting that Lantern does not know, or a value it does not know for it.
  case unsupportedSetting(key: String, value: String, file: String)

  /// A safetensors header that is not as the format wants it.
  case malformedHeader(file: String, reason: String)
  /// A safetensors header longer than the format allows.
  case headerTooLarge(file: String, byteCount: UInt64, limit: Int)
  /// A PyTorch checkpoint that is not as the format wants it.
  case malformedCheckpoint(file: String, reason: String)
  /// A GGUF file that is not as the format wants it.
  case malformedGGUF(file: String, reason: String)
  /// A tensor whose bytes lie outside the file.
  case tensorOutOfRange(name: String, begin: Int, end: Int, limit: Int, file: String)
  /// A tensor that does not begin where the one before it ends.
  case tensorMisplaced(name: String, begin: Int, expected: Int, file: String)
  /// A tensor with more or fewer bytes than its shape and type make.
  case wrongByteCount(name: String, expected: Int, found: Int, file: String)
  /// A tensor of a type that the format does not know.
  case unknownElementType(name: String, type: String, file: String)
  /// A tensor of a type that the format knows and Lantern does not compute with.
  case unsupportedElementType(name: String, type: String, file: String)
  /// A tensor with more axes than Lantern knows, or more elements than memory has addresses.
  case badShape(name: String, shape: [Int], file: String)
  /// A tensor whose numbers are too large for the type that it should be written in.
  case overflow(name: String, type: String, file: String)
  /// A tensor that an index assigns to a file which does not have it.
  case missingTensor(name: String, file: String)
  /// Weights that a library quantized in a way that is not read.
  case unsupportedQuantization(method: String, supported: String, file: String)
  /// A tensor of quantized weights that does not go with the others, or with the settings.
  case malformedQuantization(name: String, reason: String, file: String)
  /// An adapter that does not go with the weights; the line that says so.
  case unfitAdapter(complaint: String)
  /// Two tensors of one name.
  case duplicateTensor(name: String, file: String)

  /// An operation on a tensor failed, as for want of memory.
  case tensor(TensorError)
}

extension FormatError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .missingFile, .missingPart, .cannotRead, .notAFolder, .notAFile: .missing
    case .cannotWrite, .cannotHoldFile: .output
    case .inUse: .busy
    case .changed: .lost
    case .tensor(let inner): inner.kind
    default: .data
    }
  }

  /// One line: what, where, what to do.
  public var description: String {
    switch self {
    case .cannotRead(let path, let code):
      "\(path): cannot be read: \(FileSystem.reason(code))"
        + (code == FileSystem.noSuchFile ? "; check the name" : "")
    case .cannotWrite(let path, let code):
      "\(path): cannot be written: \(FileSystem.reason(code))\(Self.hint(writing: code))"
    case .inUse(let path):
      "\(path): another lantern is writing there; wait until it has ended, or choose another folder"
    case .cannotHoldFile(let path):
      "\(path): is a pipe, a socket or a disk, not a place for a file; write elsewhere"
    case .missingFile(let path, let remedy): "\(path): there is no such file; \(remedy)"
    case .missingPart(let name, let path) where name.hasPrefix("tokenizer"):
      "\(path): holds no \(name); put tokenizer.json or spiece.model next to the text encoder, or give "
        + "the folder that has it"
    case .missingPart(let name, let path):
      "\(path): holds no \(name); give that in a file or folder of its own"
    case .notAFolder(let path): "\(path): is not a folder; give one as diffusers lays it out"
    case .notAFile(let path): "\(path): is not a file; put the file itself there"
    case .empty(let path): "\(path): is empty; fetch or write it again"
    case .tooLarge(let path, let byteCount, let limit):
      "\(path): has \(byteCount) bytes, and no file of this kind should have more than \(limit)"
    case .changed(let path):
      "\(path): was changed while it was read; start again when it is whole"
    case .truncated(let file, let at, let need):
      "\(file): ends at byte \(at), where \(need) more should follow; fetch it again"
    case .unsupportedFileKind(let path, let remedy): "\(path): \(remedy)"
    case .malformedJSON(let file, let at, let reason):
      "\(file): byte \(at): \(reason); \(Self.mending)"
    case .tooDeep(let file, let at, let limit):
      "\(file): byte \(at): more than \(limit) lists and objects in one another; \(Self.mending)"
    case .duplicateKey(let key, let file, let at):
      "\(file): byte \(at): the key \(JSON.quoted(key)) a second time; remove one of them"
    case .missingKey(let key, let file):
      "\(file): lacks the key \(JSON.quoted(key)); add it, or fetch the file again"
    case .wrongType(let key, let expected, let file):
      "\(file): \(JSON.quoted(key)) should be \(expected); \(Self.mending)"
    case .unsupportedSetting(let key, let value, let file):
      "\(file): \(JSON.quoted(key)) is \(value), which Lantern does not support; "
        + "take a model without it"
    case .malformedHeader(let file, let reason):
      "\(file): not a sound safetensors file: \(reason); fetch it again"
    case .headerTooLarge(let file, let byteCount, let limit):
      "\(file): not a safetensors file: its header would take \(byteCount) bytes, and \(limit) "
        + "is the most; fetch it again"
    case .malformedCheckpoint(let file, let reason):
      "\(file): not a sound PyTorch checkpoint: \(reason); fetch it again"
    case .malformedGGUF(let file, let reason):
      "\(file): not a sound GGUF file: \(reason); fetch it again"
    case .tensorOutOfRange(let name, let begin, let end, let limit, let file):
      "\(file): tensor \(JSON.quoted(name)) takes bytes \(begin) to \(end) of \(limit); "
        + "the file is damaged or cut short: fetch it again"
    case .tensorMisplaced(let name, let begin, let expected, let file):
      "\(file): tensor \(JSON.quoted(name)) begins at byte \(begin) of the data instead of "
        + "\(expected): tensors may neither overlap nor leave holes; fetch it again"
    case .wrongByteCount(let name, let expected, let found, let file):
      "\(file): tensor \(JSON.quoted(name)) has \(found) bytes; its shape and type make \(expected); "
        + "fetch it again"
    case .unknownElementType(let name, let type, let file):
      "\(file): tensor \(JSON.quoted(name)) is of the unknown type \(JSON.quoted(type)); "
        + "fetch it again"
    case .unsupportedElementType(let name, let type, let file):
      "\(file): tensor \(JSON.quoted(name)) is of type \(type); "
        + "Lantern computes with \(Self.supported(like: type)): convert it to one of them"
    case .badShape(let name, let shape, let file):
      "\(file): tensor \(JSON.quoted(name)) cannot have the shape \(shape); fetch it again"
    case .overflow(let name, let type, let file):
      "\(file): tensor \(JSON.quoted(name)) has numbers that \(type) does not hold; choose another type"
    case .missingTensor(let name, let file):
      "\(file): no tensor \(JSON.quoted(name)); fetch the model again"
    case .unsupportedQuantization(let method, let supported, let file):
      "\(file): the weights are quantized by \(JSON.quoted(method)), which Lantern does not read; take the model "
        + "before it was quantized, a GGUF file of it, or one quantized by \(supported)"
    case .malformedQuantization(let name, let reason, let file):
      "\(file): \(JSON.quoted(name)) \(reason); use the config.json and the weights of one and the same model"
    case .unfitAdapter(let complaint): complaint
    case .duplicateTensor(let name, let file):
      "\(file): two tensors are called \(JSON.quoted(name)); rename one of them"
    case .tensor(let error): "\(error)"
    }
  }

  /// The types that files with one of this name may have.
  private static func supported(like type: String) -> String {
    GGMLType.named(type) != nil && ElementType.named(type) == nil
      ? GGMLType.supported : ElementType.supported
  }

  /// What to do about a text file that is not as it should be.
  package static let mending = "correct it, or fetch the file again"

  private static func hint(writing code: Int32) -> String {
    switch code {
    case FileSystem.noSuchFile: "; make the folder first"
    case FileSystem.noSpace: "; free some space or write elsewhere"
    case FileSystem.fileExists: "; it is not replaced: write elsewhere, or choose to overwrite"
    default: "; write elsewhere"
    }
  }
}
