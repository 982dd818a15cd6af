public import LanternFormats
public import LanternTensor

/// What can go wrong with pictures and their files. Cases carry facts; ``description`` puts them in
/// a line.
public enum PictureError: Error, Sendable, Equatable {
  /// A file could not be read or written.
  case file(FormatError)
  /// An operation on a tensor failed, as for want of memory.
  case tensor(TensorError)
  /// A file that is neither PNG nor JPEG, and what it is instead, if that is known.
  case unknownFormat(path: String, kind: String? = nil)
  /// A file that should be a picture and is damaged, or of a kind its library does not read.
  case damaged(path: String, reason: String)
  /// A path whose ending names no format that Lantern writes.
  case unknownExtension(path: String)
  /// A picture with more pixels than Lantern takes.
  case tooLarge(path: String, width: Int, height: Int)
  /// A width, height or count of bytes that make no picture.
  case size(width: Int, height: Int, byteCount: Int)
  /// A tensor whose shape or type is no picture's.
  case shape(found: [Int], expected: String)
  /// A tensor that holds NaN, at an index into its elements.
  case notANumber(index: Int)
  /// A quality outside 1 to 100.
  case quality(Int)
  /// A text that the format cannot hold under its key.
  case metadata(key: String, reason: String)
  /// The library that encodes a picture refused.
  case cannotEncode(path: String, reason: String)
  /// No memory is left for a picture of this many bytes.
  case outOfMemory(byteCount: Int)
}

extension PictureError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .file(let inner): inner.kind
    case .tensor(let inner): inner.kind
    case .unknownExtension, .quality: .usage
    case .outOfMemory: .memory
    default: .data
    }
  }

  /// One line: what, where, what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .tensor(let error): "\(error)"
    case .unknownFormat(let path, let kind?):
      "\(path): is a \(kind), which is not read: convert it to PNG or JPEG, or fetch one"
    case .unknownFormat(let path, nil):
      "\(path): is neither a PNG nor a JPEG picture; convert it to one of them"
    case .damaged(let path, let reason):
      "\(path): the picture cannot be read: \(reason); fetch or save it again"
    case .unknownExtension(let path):
      "\(path): pictures are written as .png, .jpg or .jpeg; give the file such an ending"
    case .tooLarge(let path, let width, let height):
      "\(path): \(width)×\(height) pixels are too many: at most \(Picture.sideLimit) a side and "
        + "\(Picture.pixelLimit >> 20) million together"
    case .size(let width, let height, let byteCount):
      "\(byteCount) bytes make no picture of \(width)×\(height) pixels"
    case .shape(let found, let expected): "a tensor of shape \(found) is no picture: \(expected)"
    case .notANumber(let index):
      "the picture has no numbers (NaN at element \(index)): the model's arithmetic overflowed"
    case .quality(let quality): "quality \(quality): choose 1 to 100"
    case .metadata(let key, let reason): "metadata \(JSON.quoted(key)): \(reason)"
    case .cannotEncode(let path, let reason):
      "\(path): the picture cannot be written: \(reason)"
    case .outOfMemory(let byteCount):
      "out of memory: no room for \(byteCount / 1_048_576 + 1) MiB more"
    }
  }
}
