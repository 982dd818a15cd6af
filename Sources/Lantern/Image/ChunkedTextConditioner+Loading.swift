import LanternFormats
import LanternLayers
import LanternModels
import LanternTokenizers

extension ChunkedTextConditioner {
  /// Loads the parts `tokenizer` and `text_encoder`, `tokenizer_2` and `text_encoder_2` …
  ///
  /// - Parameters:
  ///   - reader: reads the model.
  ///   - numbers: of the encoders, from 1.
  ///   - states: what the denoiser was trained with.
  ///   - takesAestheticScore: whether it takes that instead of a size after cropping.
  /// - Throws: an error of the room where something is wrong.
  init(
    _ reader: PartReader, encoders numbers: ClosedRange<Int> = 1...1, states: States = .last,
    takesAestheticScore: Bool = false
  ) throws {
    path = reader.source.path
    self.states = states
    var encoders: [Encoder] = []
    var features = 0
    var pooledFeatures = 0
    var layers = Int.max
    for number in numbers {
      let suffix = number == 1 ? "" : "_\(number)"
      let tokenizer = try reader.source.loadTokenizer("tokenizer\(suffix)")
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
      encoders.append(
        Encoder(
          number: number, tokenizer: tokenizer, model: model, features: encoder.features,
          firstFreeID: max(tokenizer.count, encoder.vocabularySize)))
    }
    self.encoders = encoders
    self.features = features
    switch states {
    case .last: (self.pooledFeatures, layerCount) = (0, layers)
    case .penultimate: (self.pooledFeatures, layerCount) = (pooledFeatures, layers - 1)
    }
    zeroesEmptyNegative =
      try reader.source.flag("force_zeros_for_empty_prompt", default: true)
      && states == .penultimate
    self.takesAestheticScore = takesAestheticScore
  }
}
