#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Ways to space noise levels other than the model's own.
public enum Spacing: String, Sendable, CaseIterable {
  /// The timesteps that the model's folder asks for, whatever it says of Karras.
  case discrete
  /// Karras et al. 2022, arXiv:2206.00364, equation 5, with ρ = 7.
  case karras

  /// Other spellings.
  static let aliases: [String: Spacing] = ["default": .discrete, "normal": .discrete]
}

extension NoiseSchedule {
  /// `count` timesteps, noisiest first (Lin et al. 2023, arXiv:2305.08891, table 2).
  ///
  /// - Parameters:
  ///   - count: 1 to ``trainingSteps``.
  ///   - standard: the spacing where the file names none.
  ///   - rounded: whether linspace falls on whole training steps.
  ///   - sampler: the class of diffusers that wants them.
  /// - Returns: timesteps, from 0 to ``trainingSteps`` − 1.
  func timesteps(
    _ count: Int, default standard: String, rounded: Bool, for sampler: String
  ) -> [Float] {
    let train = Double(trainingSteps)
    switch timestepSpacing ?? standard {
    case "linspace":
      return Self.evenly(count, to: train - 1).map {
        Float(rounded ? $0.rounded(.toNearestOrEven) : $0)
      }
    case "trailing":
      return trailing(count)
    default:
      let ratio = trainingSteps / count
      let offset = stepsOffset(for: sampler)
      return (0..<count).reversed().map { bounded(Float($0 * ratio + offset)) }
    }
  }

  /// `count` numbers from `last` down to 0; a single one is 0.
  static func evenly(_ count: Int, to last: Double) -> [Double] {
    let step = count > 1 ? last / Double(count - 1) : 0
    return (0..<count).reversed().map { index in
      index == count - 1 && count > 1 ? last : Double(index) * step
    }
  }

  /// `count` timesteps down from the last, the first step left out.
  func trailing(_ count: Int) -> [Float] {
    let train = Double(trainingSteps)
    // NumPy's arange finds its stride so, and ties are rounded by its last bit.
    let stride = (train - train / Double(count)) - train
    return (0..<count).map {
      Float((train + Double($0) * stride).rounded(.toNearestOrEven) - 1)
    }
  }

  /// A timestep kept within the training steps.
  func bounded(_ timestep: Float) -> Float { min(max(timestep, 0), Float(trainingSteps - 1)) }

  /// Sigma at a timestep, between training steps by linear interpolation as diffusers has it.
  func sigma(at timestep: Float, in table: [Double]) -> Double {
    let place = Double(bounded(timestep))
    let below = Int(place)
    let above = min(below + 1, table.count - 1)
    return table[below] + (table[above] - table[below]) * (place - Double(below))
  }

  /// The timestep of a sigma, between training steps by the logarithm.
  ///
  /// - Parameters:
  ///   - sigma: at least 0.
  ///   - logs: of the sigmas of all training steps, which rise; f32 like the reference's.
  /// - Returns: a timestep within those of training.
  static func timestep(of sigma: Double, in logs: [Float]) -> Double {
    let wanted = log(max(sigma, 1e-10))
    let above = logs.firstIndex { Double($0) > wanted } ?? logs.count
    let low = min(max(above - 1, 0), logs.count - 2)
    let (from, to) = (logs[low], logs[low + 1])
    let share = min(max((Double(from) - wanted) / Double(from - to), 0), 1)
    return (1 - share) * Double(low) + share * Double(low + 1)
  }

  /// Karras' sigmas from `highest` to `lowest`.
  static func karras(_ count: Int, from highest: Double, to lowest: Double) -> [Double] {
    let rho = 7.0
    let (top, bottom) = (pow(highest, 1 / rho), pow(lowest, 1 / rho))
    return (0..<count).map { index in
      let ramp = count > 1 ? Double(index) / Double(count - 1) : 0
      return pow(top + ramp * (bottom - top), rho)
    }
  }

  /// Levels at Karras' sigmas between two sigmas, their timesteps found in the schedule.
  func karrasLevels(
    _ count: Int, from highest: Double, to lowest: Double,
    rounding: FloatingPointRoundingRule? = nil
  ) -> [NoiseLevel] {
    let logs = sigmas.map { log(Float($0)) }
    return Self.karras(count, from: highest, to: lowest).map { sigma in
      let timestep = Self.timestep(of: sigma, in: logs)
      // The reference keeps sigmas as f32.
      return NoiseLevel(
        timestep: Float(rounding.map(timestep.rounded) ?? timestep), sigma: Double(Float(sigma)))
    }
  }

  /// Levels of unit variance at whole timesteps, for DDPM and DDIM.
  func discreteLevels(_ timesteps: [Float]) -> [NoiseLevel] {
    timesteps.map { NoiseLevel(timestep: $0, alphaBar: Double(alphaBars[Int(bounded($0))])) }
  }
}
