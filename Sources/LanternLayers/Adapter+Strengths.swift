extension Adapter {
  /// How much of it is added, in parts of a whole.
  package struct Strengths: Sendable {
    /// To the denoiser.
    let denoiser: Float
    /// To text encoders.
    let textEncoder: Float
    /// Which parts of that blocks of the denoiser get; nil for all of it.
    let blocks: BlockStrengths?

    /// Of both; 1 is all.
    package init(denoiser: Float, textEncoder: Float, blocks: BlockStrengths? = nil) {
      self.denoiser = denoiser
      self.textEncoder = textEncoder * (blocks?.ofText ?? 1)
      self.blocks = blocks
    }

    subscript(component: String, names: [String]) -> Float {
      component.hasPrefix("text_encoder")
        ? textEncoder : denoiser * (blocks?.part(of: names) ?? 1)
    }
  }
}
