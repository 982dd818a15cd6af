import ArgumentParser
import Lantern
import LanternFormats

/// Parts that go before a model's own.
struct PartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An autoencoder that goes before the model's own, or that it lacks. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var vae: String?

  @Option(
    help: ArgumentHelp(
      "A text encoder that goes before the model's own, or that it lacks. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var textEncoder: String?

  @Option(
    name: .customLong("text-encoder-2"),
    help: ArgumentHelp(
      "The same for the second text encoder, which Stable Diffusion XL and FLUX.1 have. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var textEncoder2: String?

  @Option(
    name: .customLong("text-encoder-3"),
    help: ArgumentHelp(
      "The same for the third text encoder, T5, which Stable Diffusion 3 has. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var textEncoder3: String?

  @Option(
    help: ArgumentHelp(
      "A tokenizer that goes before the model's own; one file has none, and CLIP's is used. "
        + "(default: none)", valueName: "folder"), transform: FileArgument.named)
  var tokenizer: String?

  /// What was named, over what drew a picture that is to be drawn again.
  ///
  /// - Parameters:
  ///   - predicting: what the model predicts.
  ///   - recipe: of the picture, if there is one.
  /// - Returns: the parts.
  /// - Throws: `FormatError.missingFile` for a name that is not in the hub's cache.
  func parts(_ predicting: PredictionOptions, like recipe: PictureRecipe? = nil) throws(FormatError)
    -> ModelParts
  {
    let cache = HubCache.standard
    var parts = predicting.parts
    parts.autoencoder = try cache.located(vae)
    parts.textEncoder = try cache.located(textEncoder)
    parts.textEncoder2 = try cache.located(textEncoder2)
    parts.textEncoder3 = try cache.located(textEncoder3)
    parts.tokenizer = try cache.located(tokenizer)
    if predicting.prediction == nil, let recipe, recipe.program == nil {
      parts.prediction = recipe.prediction
      parts.hasZeroTerminalSNR = recipe.hasZeroTerminalSNR
    }
    return parts
  }
}

/// What the model predicts.
struct PredictionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the model predicts: epsilon (the noise), v (velocity), v-zsnr (velocity, and noise "
        + "alone at the last timestep) or sample. (default: as its files say)", valueName: "name"))
  var prediction: Name?

  enum Name: String, CaseIterable, ExpressibleByArgument {
    case epsilon, v
    case vZeroSNR = "v-zsnr"
    case sample
  }

  /// A model's own parts with this prediction.
  var parts: ModelParts {
    var parts = ModelParts()
    switch prediction {
    case .epsilon: parts.prediction = .epsilon
    case .v, .vZeroSNR: parts.prediction = .velocity
    case .sample: parts.prediction = .sample
    case nil: break
    }
    parts.hasZeroTerminalSNR = prediction == .vZeroSNR
    return parts
  }
}
