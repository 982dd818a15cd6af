import LanternPlatform
import LanternFormats
import LanternModels
public import LanternTensor

extension ImageGenerator {
  /// Loads a model.
  ///
  /// - Parameters:
  ///   - folder: a model as diffusers lays it out, with a `model_index.json`, or one in one file.
  ///   - parts: what goes before its own parts, as another autoencoder.
  ///   - loras: what is added to its weights.
  ///   - isFast: whether to draw in few steps, with the LoRA that the folder has for it.
  ///   - refiner: folder or file of the model that takes the last steps over, from ``ImageRequest/refinerStart`` on;
  ///     nil for none.
  ///   - variant: of the weights, as `fp16` for `model.fp16.safetensors`; the plain ones when nil.
  ///   - tinyDecoder: a small decoder that draws pictures and previews in place of the model's own, as TAESD:
  ///     diffusers' folder or a file; none when nil.
  ///   - precision: how exactly it computes; what suits this processor by default.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    folder: String, with parts: ModelParts = ModelParts(), adding loras: [LoRA] = [],
    isFast: Bool = false, refiner: String? = nil, variant: String? = nil,
    tinyDecoder: String? = nil, precision: Precision = .default
  ) throws {
    try self.init(
      .folder(folder), with: parts, adding: loras, isFast: isFast, refiner: refiner,
      variant: variant, tinyDecoder: tinyDecoder, precision: precision)
  }

  /// Loads a model from where it lies, as ``ModelLocation/picturebook``; otherwise as
  /// ``init(folder:with:adding:isFast:refiner:variant:tinyDecoder:precision:)``.
  public init(
    _ location: ModelLocation, with parts: ModelParts = ModelParts(), adding loras: [LoRA] = [],
    isFast: Bool = false, refiner: String? = nil, variant: String? = nil,
    tinyDecoder: String? = nil, precision: Precision = .default
  ) throws {
    // First, since of the refiner nothing stays in memory until its first step.
    self.refiner = try refiner.map { path in
      var own = ModelParts()
      // One file has none of its own.
      if !FileSystem.isDirectory(path) { own.tokenizer = parts.tokenizer }
      return try ImageModel(path, with: own, variant: variant, precision: precision)
    }
    self.refiner?.releaseAllButDecoder()
    model = try ImageModel(
      location.path(), with: parts, adding: loras, isFast: isFast, variant: variant,
      tinyDecoder: tinyDecoder, precision: precision)
    try self.refiner?.checkRefines(model)
  }
}
