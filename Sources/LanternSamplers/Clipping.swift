internal import LanternTensor

/// How far a clean latent may go, for models of pixels: latents of Stable Diffusion are left alone.
enum Clipping: Sendable, Equatable {
  /// As far as it likes.
  case none
  /// Within ± a number.
  case range(Float)
  /// Within ± the `ratio` quantile of its magnitudes, which lies in 1…`most` and is then divided by
  /// (Saharia et al. 2022, arXiv:2205.11487, section 2.3).
  case dynamic(ratio: Float, most: Float)

  /// A latent `[batch, height, width, channel]` kept within bounds.
  func applied(to clean: Tensor) throws(TensorError) -> Tensor {
    switch self {
    case .none: return clean
    case .range(let range): return try clean.clamped(to: -range...range)
    case .dynamic(let ratio, let most):
      var parts: [Tensor] = []
      for index in 0..<(clean.shape.first ?? 0) {
        let part = try clean.sliced(axis: 0, index..<index + 1)
        let magnitudes = try part.floats().map { abs($0) }.sorted()
        let bound = min(max(Self.quantile(ratio, of: magnitudes), 1), most)
        parts.append(try part.clamped(to: -bound...bound) * (1 / bound))
      }
      return try Tensor.concatenated(parts, axis: 0)
    }
  }

  /// A model's answer with its clean latent kept within bounds, and the noise that goes with that.
  ///
  /// - Parameters:
  ///   - found: the answer.
  ///   - x: the latent that it is of.
  ///   - level: how noisy that is.
  /// - Returns: the answer within bounds.
  /// - Throws: ``TensorError``.
  func applied(to found: Denoised, of x: Tensor, at level: NoiseLevel) throws(TensorError)
    -> Denoised
  {
    guard self != .none else { return found }
    let clean = try applied(to: found.clean)
    let noise = try (x - clean * Float(level.alpha)) * Float(1 / level.deviation)
    return Denoised(clean: clean, noise: noise)
  }

  /// `torch.quantile` of sorted numbers: between two of them by linear interpolation.
  static func quantile(_ ratio: Float, of sorted: [Float]) -> Float {
    guard !sorted.isEmpty else { return 1 }
    let place = ratio * Float(sorted.count - 1)
    let below = min(max(Int(place), 0), sorted.count - 1)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - Float(below))
  }
}
