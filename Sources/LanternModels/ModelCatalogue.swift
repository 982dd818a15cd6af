package import LanternFormats
package import LanternLayers

/// Which class of a `model_index.json` is which model here: one row for each.
package enum ModelCatalogue {
  /// Text encoders, by the class that the folder names.
  package static let textEncoders:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any TextEncoder] = [
      "CLIPTextModel": { config, weights throws(ModelError) in
        try CLIPTextModel(CLIPTextConfig(config), weights)
      }
    ]

  /// Models that predict noise, by the class that the folder names.
  package static let denoisers:
    [String: @Sendable (Config, Weights) throws(ModelError) -> UNet2DConditionModel] = [
      "UNet2DConditionModel": { config, weights throws(ModelError) in
        try UNet2DConditionModel(UNet2DConditionConfig(config), weights)
      }
    ]

  /// Autoencoders, by the class that the folder names.
  package static let autoencoders:
    [String: @Sendable (Config, Weights) throws(ModelError) -> AutoencoderKL] = [
      "AutoencoderKL": { config, weights throws(ModelError) in
        try AutoencoderKL(AutoencoderKLConfig(config), weights)
      }
    ]

  /// Makers of picture codes, by the class that the folder names.
  package static let imageTokenizers:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any ImageTokenizer] = [
      "MAGVITv2": { config, weights throws(ModelError) in
        try MAGVITv2(MAGVITv2Config(config), weights)
      },
      "VQModel": { config, weights throws(ModelError) in
        try VQModel(VQModelConfig(config), weights)
      },
    ]

  /// Judges of pictures, by the type that their folder names.
  package static let judges: [String: @Sendable (Config, Weights) throws(ModelError) -> Judge] = [
    "judge": { config, weights throws(ModelError) in
      try Judge(JudgeConfig(config), weights)
    }
  ]

  /// Transformers of text and pictures, by the class that the folder names; beside their own
  /// settings they take those of their language model and its id of `<|endoftext|>`.
  package static let unifiedModels:
    [String: @Sendable (Config, PhiConfig, Int, Weights) throws(ModelError) -> Showo] = [
      "Showo": { config, phi, endOfText, weights throws(ModelError) in
        try Showo(ShowoConfig(config), phi, endOfText: endOfText, weights)
      }
    ]
}
