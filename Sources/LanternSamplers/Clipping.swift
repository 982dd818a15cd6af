internal import LanternTensor

/// Clipping of the predicted clean latent, for models of pixels; latents of Stable Diffusion are not
/// clipped.
enum Clipping: Sendable, Equatable {
  /// No clipping.
  case none
  /// To ± a number: `clip_sample`.
  case range(Float)
  /// Dynamic thresholding: to ± the `ratio` quantile of its magnitudes, clamped to 1…`maximum`, and divided
  /// by it (Saharia et al. 2022, arXiv:2205.11487, section 2.3).
  case dynamic(ratio: Float, maximum: Float)

  /// A latent `[batch, height, width, channel]` clipped.
  func applied(to clean: Tensor) throws(TensorError) -> Tensor {
    switch self {
    case .none: return clean
    case .range(let range): return try clean.clamped(to: -range...range)
    case .dynamic(let ratio, let maximum):
      var parts: [Tensor] = []
      for index in 0..<(clean.shape.first ?? 0) {
        let part = try clean.sliced(axis: 0, index..<index + 1)
        let magnitudes = try part.floats().map { abs($0) }.sorted()
        let bound = min(max(Self.quantile(ratio, of: magnitudes), 1), maximum)
        parts.append(try part.clamped(to: -bound...bound) * (1 / bound))
      }
      return try Tensor.concatenated(parts, axis: 0)
    }
  }

  /// A prediction with its clean latent clipped, and the noise that follows from it.
  ///
  /// - Parameters:
  ///   - found: the prediction.
  ///   - x: the noisy latent.
  ///   - level: its noise level.
  /// - Returns: the prediction after clipping.
  /// - Throws: ``TensorError``.
  func applied(to found: Denoised, of x: Tensor, at level: NoiseLevel) throws(TensorError)
    -> Denoised
  {
    guard self != .none else { return found }
    let clean = try applied(to: found.clean)
    let noise = try (x - clean * Float(level.alpha)) * Float(1 / level.deviation)
    return Denoised(clean: clean, noise: noise)
  }

  /// `torch.quantile` of sorted numbers, with linear interpolation between neighbours.
  static func quantile(_ ratio: Float, of sorted: [Float]) -> Float {
    guard !sorted.isEmpty else { return 1 }
    let position = ratio * Float(sorted.count - 1)
    let below = min(max(Int(position), 0), sorted.count - 1)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (position - Float(below))
  }
}
