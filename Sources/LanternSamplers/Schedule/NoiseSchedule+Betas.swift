import LanternPlatform
import LanternFormats

extension NoiseSchedule {
  /// The betas: the variance of the noise that each training step adds.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - name: the class that reads it, whose defaults apply.
  /// - Returns: a beta for each training step.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  static func betas(_ config: Config, of name: String) throws(FormatError) -> [Float] {
    let count = try config.integer("num_train_timesteps", default: 1000)
    guard (2...1_000_000).contains(count) else {
      throw .unsupportedSetting(
        key: "num_train_timesteps", value: "\(count)", file: config.file)
    }
    // Classes that were written for Stable Diffusion have its betas by default.
    let isDistilled = ["LCMScheduler", "TCDScheduler"].contains(name)
    let isLatent = ["DPMSolverSDE", "Heun", "KDPM2"].contains { name.hasPrefix($0) } || isDistilled
    let first = try config.double("beta_start", default: isLatent ? 0.00085 : 0.0001)
    let last = try config.double("beta_end", default: isLatent ? 0.012 : 0.02)
    let kind = try config.string(
      "beta_schedule", default: isDistilled ? "scaled_linear" : "linear")
    if let trained = config.value("trained_betas"), trained != .null {
      return try config.doubles("trained_betas").map { Float($0) }
    }
    switch kind {
    case "linear": return linspace(Float(first), Float(last), count)
    case "scaled_linear":
      return linspace(Float(first.squareRoot()), Float(last.squareRoot()), count).map { $0 * $0 }
    case "squaredcos_cap_v2":
      // Nichol & Dhariwal 2021, arXiv:2102.09672
      func bar(_ t: Double) -> Double {
        let angle = cos((t + 0.008) / 1.008 * .pi / 2)
        return angle * angle
      }
      return (0..<count).map { step in
        let (from, to) = (Double(step) / Double(count), Double(step + 1) / Double(count))
        return Float(min(1 - bar(to) / bar(from), 0.999))
      }
    default: throw .unsupportedSetting(key: "beta_schedule", value: kind, file: config.file)
    }
  }

  /// `torch.linspace` in f32, computed from both ends with one rounding each.
  private static func linspace(_ first: Float, _ last: Float, _ count: Int) -> [Float] {
    let step = (last - first) / Float(count - 1)
    return (0..<count).map { index in
      index < count / 2
        ? first.addingProduct(step, Float(index))
        : last.addingProduct(-step, Float(count - 1 - index))
    }
  }

  /// ᾱ: `torch.cumprod` keeps its running product in f64 and stores f32.
  static func cumulativeProduct(_ betas: [Float]) -> [Float] {
    var product = 1.0
    return betas.map { beta in
      product *= Double(1 - beta)
      return Float(product)
    }
  }

  /// Shifts and scales √ᾱ so that the last step is pure noise (Lin et al. 2023, arXiv:2305.08891).
  static func withZeroTerminalSNR(_ bars: [Float]) -> [Float] {
    let roots = bars.map { $0.squareRoot() }
    guard let first = roots.first, let last = roots.last, first > last else { return bars }
    let moved = roots.map { ($0 - last) * (first / (first - last)) }
    let squares = moved.map { $0 * $0 }
    let alphas = squares.indices.map { $0 == 0 ? squares[0] : squares[$0] / squares[$0 - 1] }
    return cumulativeProduct(alphas.map { 1 - $0 })
  }
}
