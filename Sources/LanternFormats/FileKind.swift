import LanternPlatform

/// The types of files that Lantern does not read, recognised by their first bytes.
package enum FileKind {
  private struct Row {
    let signature: [UInt8]
    var offset = 0
    let name: String
    let remedy: String

    init(_ text: String, at offset: Int = 0, _ name: String, _ remedy: String) {
      self.init(bytes: Array(text.utf8), at: offset, name, remedy)
    }

    init(bytes: [UInt8], at offset: Int = 0, _ name: String, _ remedy: String) {
      (self.signature, self.offset, self.name, self.remedy) = (bytes, offset, name, remedy)
    }
  }

  private static let other = "Lantern reads safetensors and PyTorch's checkpoints: take those"
  private static let packed = "unpack it, and give what is in it"

  private static let rows: [Row] = [
    Row("version https://git-lfs", "a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    Row("<!DOCTYPE", "a web page, not a model", "fetch the file itself"),
    Row("<!doctype", "a web page, not a model", "fetch the file itself"),
    Row("<html", "a web page, not a model", "fetch the file itself"),
    Row("lmgg", "a GGML file (llama.cpp before GGUF)", other),
    Row("fmgg", "a GGML file (llama.cpp before GGUF)", other),
    Row("tjgg", "a GGML file (llama.cpp before GGUF)", other),
    Row(bytes: [0x89] + Array("HDF\r\n\u{1A}\n".utf8), "an HDF5 file (Keras)", other),
    Row(bytes: [0x93] + Array("NUMPY".utf8), "a NumPy array", other),
    Row("TFL3", at: 4, "a TensorFlow Lite model", other),
    Row("PAR1", "a Parquet table", other),
    Row("ftrt", "a TensorRT engine", other),
    Row(bytes: [0x28, 0xB5, 0x2F, 0xFD], "packed by Zstandard", packed),
    Row(bytes: [0x1F, 0x8B], "packed by gzip", packed),
    Row("BZh", "packed by bzip2", packed),
    Row(bytes: [0xFD] + Array("7zXZ".utf8), "packed by xz", packed),
    Row(bytes: Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", packed),
    Row("Rar!", "a RAR archive", packed),
    Row("ustar", at: 257, "a tar archive", packed),
    Row("%PDF-", "a PDF document", "give a picture or a model"),
  ]

  /// The type of a file and the remedy, for the end of an error: `is a GGUF file (…); …`.
  ///
  /// - Parameters:
  ///   - bytes: of the whole file, or its beginning.
  ///   - path: where they are; kinds without a signature go by the ending too.
  /// - Returns: nil for kinds that are not known by their bytes, and for those that Lantern reads.
  package static func refusal(of bytes: UnsafeRawBufferPointer, path: String) -> String? {
    // The length of a safetensors header may look like any signature.
    if isSafetensors(bytes) { return nil }
    if let row = rows.first(where: { has(bytes, $0.signature, at: $0.offset) }) {
      return "is \(row.name); \(row.remedy)"
    }
    return
      (zip(bytes) ?? pickle(bytes) ?? openVINO(bytes) ?? protobuf(bytes, path)
      ?? messagePack(bytes, path)).map { "is \($0.name); \($0.remedy)" }
  }

  /// As ``refusal(of:path:)``, of a file's first bytes; nil too where it cannot be read.
  package static func refusal(at path: String) -> String? {
    guard let bytes = try? FileSystem.beginning(of: path, count: 4096) else { return nil }
    return bytes.withUnsafeBytes { refusal(of: $0, path: path) }
  }

  /// Whether the bytes begin as a safetensors file: a 64-bit length below 4 GiB and a JSON object.
  static func isSafetensors(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count > 8 && bytes[4..<8].allSatisfy { $0 == 0 } && bytes[8] == UInt8(ascii: "{")
  }

  private static func has(_ bytes: UnsafeRawBufferPointer, _ signature: [UInt8], at offset: Int)
    -> Bool
  {
    bytes.dropFirst(offset).starts(with: signature)
  }

  /// A ZIP archive by the name of its first file; nil for PyTorch's.
  private static func zip(_ bytes: UnsafeRawBufferPointer) -> (name: String, remedy: String)? {
    guard ZipDirectory.isZip(bytes), bytes.count > 30 else { return nil }
    let count = Int(bytes[26]) | Int(bytes[27]) << 8
    let first = String(decoding: bytes.dropFirst(30).prefix(count), as: UTF8.self)
    if first.hasSuffix(".npy") { return ("an archive of NumPy arrays", other) }
    // PyTorch's archives hold one folder, whose first file is the pickle.
    let name = first.split(separator: "/").last ?? ""
    let isPyTorch =
      ["data.pkl", "version", "byteorder", ".format_version", "constants.pkl"]
      .contains(name) || first.contains("/data/") || first.contains("/code/")
    return isPyTorch ? nil : ("a ZIP archive", packed)
  }

  private static func pickle(_ bytes: UnsafeRawBufferPointer) -> (name: String, remedy: String)? {
    guard bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]),
      !bytes.starts(with: TorchPickle.legacyBeginning)
    else { return nil }
    return ("a Python pickle", TensorArchive.conversion)
  }

  private static func openVINO(_ bytes: UnsafeRawBufferPointer) -> (name: String, remedy: String)? {
    let text = String(decoding: bytes.prefix(1024), as: UTF8.self)
    guard text.hasPrefix("<?xml") || text.hasPrefix("<net"), text.contains("<net ") else {
      return nil
    }
    return ("an OpenVINO model (its numbers are in the .bin of the same name)", other)
  }

  /// Protocol buffers have no signature: ONNX begins with its version and the name of a program,
  /// TensorFlow's models with their version or first node.
  private static func protobuf(_ bytes: UnsafeRawBufferPointer, _ path: String)
    -> (name: String, remedy: String)?
  {
    guard bytes.count > 4 else { return nil }
    let name = path.lowercased()
    let isONNX =
      bytes[0] == 0x08 && (1...20).contains(bytes[1]) && bytes[2] == 0x12
      && (1...64).contains(bytes[3])
      && bytes.dropFirst(4).prefix(Int(bytes[3])).allSatisfy { (0x20...0x7E).contains($0) }
    if isONNX || name.hasSuffix(".onnx") && bytes[0] == 0x08 { return ("an ONNX model", other) }
    if name.hasSuffix(".pb"), bytes[0] == 0x08 || bytes[0] == 0x0A {
      return ("a TensorFlow model", other)
    }
    if name.hasSuffix(".mlmodel"), bytes[0] == 0x08 { return ("a Core ML model", other) }
    return nil
  }

  /// A map whose first key is a short text: so Flax keeps its weights.
  private static func messagePack(_ bytes: UnsafeRawBufferPointer, _ path: String)
    -> (name: String, remedy: String)?
  {
    guard bytes.count > 4 else { return nil }
    let isSmall = (0x81...0x8F).contains(bytes[0]) && (0xA1...0xBF).contains(bytes[1])
    let isLarge = bytes[0] == 0xDE && ((0xA1...0xBF).contains(bytes[3]) || bytes[3] == 0xD9)
    guard isSmall || isLarge, isSmall || path.hasSuffix(".msgpack") else { return nil }
    return ("a Flax checkpoint (MessagePack)", other)
  }
}
