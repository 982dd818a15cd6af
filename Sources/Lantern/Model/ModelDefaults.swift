import LanternPlatform
import LanternFormats
import LanternSamplers

/// The defaults of a model: its folder's `lantern.json`, or what people use for
/// Stable Diffusion.
package struct ModelDefaults: Sendable {
  /// Number of steps.
  package private(set) var steps: Int
  /// Strength of guidance.
  package private(set) var guidance: Float
  /// The sampler; the one that the scheduler's file names when nil.
  package private(set) var sampler: String?
  /// A LoRA in the folder that makes all of this so; nil where there is none.
  package private(set) var lora: String?
  /// Whether the file says how to draw in few steps.
  package let canBeFast: Bool
  /// The words that it knows; nil where its vocabulary is not closed.
  package let world: ClosedWorld?

  /// The name of the optional file in a model's folder.
  static let fileName = "lantern.json"

  /// Reads the optional file of a model's folder.
  ///
  /// - Parameters:
  ///   - folder: the model's.
  ///   - steps: number of steps where the file says nothing.
  ///   - guidance: strength of guidance where it says nothing.
  ///   - isFast: whether to draw in few steps: what the file says under `fast`.
  /// - Throws: ``FormatError`` when the file is there and unsound, ``RequestError`` when it has no
  ///   `fast`.
  package init(
    folder: String, steps: Int = 30, guidance: Float = 7.5, isFast: Bool = false
  ) throws {
    (self.steps, self.guidance) = (steps, guidance)
    let path = FileSystem.join(folder, Self.fileName)
    let config = FileSystem.exists(path) ? try Config(path: path) : Config([:], file: path)
    let fast = try config.section("fast")
    canBeFast = fast != nil
    if isFast, fast == nil { throw RequestError.notFast(path: path) }
    for part in isFast ? [config, fast].compactMap({ $0 }) : [config] {
      self.steps = try part.integer("steps", default: self.steps)
      self.guidance = try part.float("guidance", default: self.guidance)
    }
    if let fast {
      let name = try fast.string("lora", default: "fast.safetensors")
      // A name alone: what a model's file says must not lead out of its folder.
      guard !name.contains("/"), !name.contains("\0") else {
        throw FormatError.unsupportedSetting(key: "fast.lora", value: name, file: path)
      }
      let wanted = try fast.string("sampler", default: "lcm")
      guard let row = try? SamplerCatalogue.row(named: wanted) else {
        throw FormatError.unsupportedSetting(key: "fast.sampler", value: wanted, file: path)
      }
      _ = try (fast.integer("steps", default: 4), fast.float("guidance", default: 1))
      try fast.finishStrictly()
      if isFast { (sampler, lora) = (row.name, FileSystem.join(folder, name)) }
    }
    world = try ClosedWorld(config)
    try config.finishStrictly()
  }
}
