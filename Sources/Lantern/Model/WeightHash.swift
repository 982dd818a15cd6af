import LanternPlatform
import LanternFormats

/// Hashes by which recipes know files of weights again, as stable-diffusion-webui takes them.
enum WeightHash {
  /// Bytes of the largest file whose digest takes less time than a step of drawing.
  private static let limit = 4 << 20

  /// The first ten digits of a model's hash.
  static let modelDigits = 10
  /// The first twelve of an adapter's or embedding's.
  static let digits = 12

  /// The SHA-256 of a file in hexadecimal; nil for a large one.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read.
  static func file(_ path: String) throws(FormatError) -> String? {
    try bytes(of: path).map(SHA256.hex)
  }

  /// That of an adapter: of safetensors without their header, which texts may be added to; of a large file
  /// what kohya's trainer wrote into its header.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read.
  static func adapter(_ path: String) throws(FormatError) -> String? {
    let file = try openTensorFile(path)
    guard let bytes = try bytes(of: path) else {
      return file.metadata["sshs_model_hash"]?.lowercased()
    }
    guard file is SafetensorsFile else { return SHA256.hex(of: bytes) }
    let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return SHA256.hex(of: Array(bytes.dropFirst(8 + header)))
  }

  private static func bytes(of path: String) throws(FormatError) -> [UInt8]? {
    do throws(FormatError) {
      return try FileSystem.read(path, limit: limit)
    } catch {
      if case .tooLarge = error { return nil }
      throw error
    }
  }
}

extension LoRA {
  /// The beginning of its file's hash; nil for several files, or a large one.
  func shortHash() throws(FormatError) -> String? {
    let files = try files()
    guard files.count == 1 else { return nil }
    return try WeightHash.adapter(files[0].path).map { String($0.prefix(WeightHash.digits)) }
  }
}

extension TextualInversion {
  /// The beginning of its file's hash; nil for a large file, or one that is not there any more.
  package var shortHash: String? {
    (try? WeightHash.file(path)).map { String($0.prefix(WeightHash.digits)) }
  }
}
