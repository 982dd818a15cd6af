import LanternFormats
import LanternModels
import LanternPlatform
import LanternTensor
import LanternTokenizers

/// What large text encoders make of prompts, kept in a folder, so that a prompt is not encoded again nor its encoder read:
/// a safetensors file for each text, named by the hash of what it depends on.
struct PromptStateCache {
  private let folder: String
  /// What makes the states: the encoders' files, and how they compute.
  private let maker: [JSONValue]

  /// - Parameters:
  ///   - folder: where entries are; made where it is not there.
  ///   - maker: what makes the states.
  /// - Throws: ``FormatError/cannotWrite(path:code:)`` for a folder that cannot be written to.
  init(_ folder: String, of maker: [JSONValue]) throws(FormatError) {
    try FileSystem.makeFolder(folder)
    (self.folder, self.maker) = (folder, maker)
  }

  /// What a denoiser is given of a text: from the folder, or else made and kept there. A damaged entry counts as none.
  ///
  /// - Parameters:
  ///   - texts: of the prompt.
  ///   - isNegative: whether it is a negative one.
  ///   - make: makes it.
  /// - Returns: to the bit what `make` gives.
  /// - Throws: what `make` throws, and ``FormatError`` for an entry that cannot be written.
  func conditioning(
    of texts: PromptTexts.Texts, isNegative: Bool, make: () throws -> Conditioning
  ) throws -> Conditioning {
    let key = JSON.write(
      .object([
        "maker": .array(maker), "text": .string(texts.first), "text 2": .string(texts.second),
        "negative": .bool(isNegative),
      ]))
    let path = FileSystem.join(folder, "\(SHA256.hex(of: Array(key.utf8))).safetensors")
    if let found = Self.read(path, key) { return found }
    let made = try make()
    var tensors = [(name: "states", tensor: try made.states.contiguous())]
    if let pooled = made.pooled { tensors.append(("pooled", try pooled.contiguous())) }
    try SafetensorsFile.write(
      tensors, metadata: ["key": key, "digest": Self.digest(tensors.map(\.tensor))], to: path)
    return made
  }

  /// An entry; nil where there is none, or one of something else, or a damaged one.
  private static func read(_ path: String, _ key: String) -> Conditioning? {
    guard FileSystem.exists(path), let file = try? SafetensorsFile(path),
      file.metadata["key"] == key, let states = try? file.tensor("states"), states.rank == 3,
      states.dtype == .float32
    else { return nil }
    let pooled = try? file.tensor("pooled")
    guard file.contains("pooled") == (pooled != nil),
      file.metadata["digest"] == digest([states] + (pooled.map { [$0] } ?? []))
    else { return nil }
    return Conditioning(states: states, pooled: pooled)
  }

  private static func digest(_ tensors: [Tensor]) -> String {
    var digest = RunningDigest<SHA256>()
    for tensor in tensors {
      withExtendedLifetime(tensor) {
        digest.update(
          UnsafeRawBufferPointer(start: tensor.bytes, count: 4 * tensor.elementCount))
      }
    }
    return digest.hex
  }
}

extension ImageModel {
  /// Encodes both prompts, from the cache that the request names where there is one.
  ///
  /// - Throws: as ``TextConditioner/encode(_:size:steps:isGuided:)``, and ``FormatError`` for a folder that cannot be
  ///   written to.
  func encode(
    _ request: ImageRequest, size: (width: Int, height: Int), steps: PromptSchedule.Steps,
    isGuided: Bool
  ) throws -> PromptEncoding {
    guard let folder = request.promptCache,
      let large = conditioner as? any WholeTextConditioner
    else {
      return try conditioner.encode(request, size: size, steps: steps, isGuided: isGuided)
    }
    return try large.encode(
      request, steps: steps, isGuided: isGuided,
      from: PromptStateCache(folder, of: encoderIdentity))
  }

  /// What its text encoders' states depend on: their files by name, size and time of change, their class of pipeline,
  /// and how they compute.
  var encoderIdentity: [JSONValue] {
    let files = encoderFiles.map { path -> JSONValue in
      let stamp = Self.stamp(path)
      return .array([.string(path), .integer(stamp.byteCount), .integer(stamp.changed)])
    }
    let added = loras.map { JSONValue.string("\($0.label) \(loraHashes[$0.name] ?? "")") }
    return [
      .string(LanternVersion.number), .string(pipelineClass), .string(precision.rawValue),
      .string(ComputeEngine.instructionSet), .array(files), .array(added),
    ]
  }

  /// Bytes of what is at `path` and when it was last changed, in nanoseconds; 0 where there is nothing.
  private static func stamp(_ path: String) -> (byteCount: Int, changed: Int) {
    var status = stat()
    guard stat(path, &status) == 0 else { return (0, 0) }
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return (Int(status.st_size), Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec))
  }
}

extension PartReader {
  /// Paths of what a part's states depend on, if it is a text encoder or its tokenizer.
  func encoderFiles(of part: String) -> [String] {
    if part.hasPrefix("text_encoder") { return files(of: part) }
    guard part.hasPrefix("tokenizer"), let found = try? source.component(part) else { return [] }
    return [found.path, FileSystem.join(found.path, "tokenizer.json")]
  }
}
