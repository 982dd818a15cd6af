import LanternFormats
import LanternLayers
import LanternModels
import LanternTokenizers

extension ChunkedTextConditioner {
  /// Loads the parts `tokenizer` and `text_encoder`, `tokenizer_2` and `text_encoder_2` …, but for those that
  /// a folder of several leaves out.
  ///
  /// - Parameters:
  ///   - reader: reads the folder.
  ///   - count: of the encoders.
  ///   - states: what the denoiser was trained with.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader, encoders count: Int = 1, states: States = .last) throws {
    path = reader.folder.path
    self.states = states
    var encoders: [Encoder] = []
    var features = 0
    var pooledFeatures = 0
    var layers = Int.max
    for number in 1...count {
      let suffix = number == 1 ? "" : "_\(number)"
      if number < count, !reader.folder.has("text_encoder\(suffix)") { continue }
      let tokenizer = try reader.folder.loadTokenizer("tokenizer\(suffix)")
      let model = ModelPart { () throws(any Error) in
        try reader.read(
          "text_encoder\(suffix)", stems: ["model", "pytorch_model"],
          ModelCatalogue.textEncoders, reader.precision.ofSmallParts)
      }
      let encoder = try model()
      guard tokenizer.window.length <= encoder.maximumLength else {
        throw RequestError.mismatch(
          reason: "the tokenizer makes \(tokenizer.window.length) tokens and the text encoder "
            + "takes \(encoder.maximumLength); both must come from one model", path: path)
      }
      features += encoder.features
      pooledFeatures = encoder.pooledFeatures
      layers = min(layers, encoder.layerCount)
      encoders.append(Encoder(number: number, tokenizer: tokenizer, model: model))
    }
    self.encoders = encoders
    self.features = features
    switch states {
    case .last: (self.pooledFeatures, layerCount) = (0, layers)
    case .penultimate: (self.pooledFeatures, layerCount) = (pooledFeatures, layers - 1)
    }
    zeroesEmptyNegative =
      try Self.setting("force_zeros_for_empty_prompt", true, reader.folder)
      && states == .penultimate
    takesAestheticScore = try Self.setting("requires_aesthetics_score", false, reader.folder)
  }

  private static func setting(_ key: String, _ defaultValue: Bool, _ folder: ModelFolder)
    throws(FormatError) -> Bool
  {
    guard let setting = folder.settings[key] else { return defaultValue }
    guard let value = setting.bool else {
      throw .wrongType(key: key, expected: "true or false", file: folder.indexPath)
    }
    return value
  }
}
