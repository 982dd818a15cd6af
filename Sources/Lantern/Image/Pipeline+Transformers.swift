import LanternSamplers

/// Rows of models whose denoiser is a transformer that differ in little.
extension Pipeline {
  /// FLUX.2 klein.
  static func flux2(isDistilled: Bool, guidance: Float, steps: Int) -> Pipeline {
    Pipeline(
      classes: ["Flux2KleinPipeline"], denoiser: "transformer", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"],
      guidance: guidance, steps: steps, isDistilled: isDistilled, times: PipelineTimes(.empirical),
      isLarge: true, referenceForm: .klein, conditioner: { try LayeredTextConditioner($0, .flux2) })
  }

  /// SANA and SANA-Sprint.
  static func sana(_ name: String, guidance: Float, steps: Int) -> Pipeline {
    Pipeline(
      classes: [name], denoiser: "transformer", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"],
      guidance: guidance, steps: steps, isLarge: true, hasResolutionBins: true,
      conditioner: { try SanaTextConditioner($0) })
  }

  /// PixArt-α and Σ.
  static func pixArt(
    _ name: String, length: Int, latentColours: LatentColours
  ) -> Pipeline {
    Pipeline(
      classes: [name], denoiser: "transformer", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"], guidance: 4.5,
      steps: 20, latentColours: latentColours, isLarge: true, hasResolutionBins: true,
      conditioner: { try PixArtTextConditioner($0, length: length) })
  }

  /// FLUX.1.
  static func flux(
    _ classes: [String], guidance: Float, steps: Int, unguidedKind: String? = nil,
    references: ReferenceForm? = nil
  ) -> Pipeline {
    Pipeline(
      classes: classes, denoiser: "transformer", codec: "vae",
      parts: [
        "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "transformer",
        "vae",
      ], guidance: guidance, steps: steps, unguidedKind: unguidedKind, times: PipelineTimes(.line),
      isLarge: true, referenceForm: references, conditioner: { try FluxTextConditioner($0) })
  }
}
