import ArgumentParser
import Lantern

/// Parts that go before a model's own.
struct PartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An autoencoder that goes before the model's own, or that it lacks. (default: none)",
      valueName: "file or folder"))
  var vae: String?

  @Option(
    help: ArgumentHelp(
      "A text encoder that goes before the model's own, or that it lacks. (default: none)",
      valueName: "file or folder"))
  var textEncoder: String?

  @Option(
    name: .customLong("text-encoder-2"),
    help: ArgumentHelp(
      "The same for the second text encoder, which Stable Diffusion XL has. (default: none)",
      valueName: "file or folder"))
  var textEncoder2: String?

  @Option(
    help: ArgumentHelp(
      "A tokenizer that goes before the model's own; one file has none, and CLIP's is used. "
        + "(default: none)", valueName: "folder"))
  var tokenizer: String?

  @OptionGroup var predicting: PredictionOptions

  /// What was named, over what drew a picture that is to be drawn again.
  func parts(like recipe: PictureRecipe? = nil) -> ModelParts {
    var parts = predicting.parts
    parts.autoencoder = vae
    parts.textEncoder = textEncoder
    parts.textEncoder2 = textEncoder2
    parts.tokenizer = tokenizer
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
