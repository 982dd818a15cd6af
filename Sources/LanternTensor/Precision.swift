internal import CLanternKernels

/// How exactly a model computes: what it gains in speed and memory, and what that costs.
///
/// `lantern bench precision` measures both for a model.
public enum Precision: String, Sendable, CaseIterable {
  /// f32 arithmetic on the weights as they are stored: pictures equal to diffusers'.
  case exact
  /// Products of int16 with exact accumulators: about as exact as weights rounded to f16, and
  /// with the right instructions twice as fast. On 64-bit ARM with f16 arithmetic products of f16, a
  /// little less exact.
  case fast
  /// Large weights as int8, a byte each; pictures hardly differ from exact ones. Faster
  /// than ``fast`` where an instruction multiplies and adds bytes by fours (AVX-512 VNNI, dot products
  /// of 64-bit ARM), slower elsewhere.
  case int8
  /// Large weights as 4-bit integers, half a byte each; pictures differ in details.
  case int4

  /// The default of this processor: `fast` where it is faster.
  public static var `default`: Precision { kernels.int16_is_faster ? .fast : .exact }

  /// A note that it saves no time on this processor; nil where it does, or is not meant to.
  package var note: String? {
    let slower =
      switch self {
      case .exact: false
      case .fast, .int4: !kernels.int16_is_faster
      case .int8: !kernels.int8_is_faster
      }
    let other = kernels.int16_is_faster ? Precision.fast : .exact
    return slower
      ? "precision \(rawValue) is slower than \(other.rawValue) on this processor "
        + "(\(ComputeEngine.instructionSet)): it saves memory alone"
      : nil
  }

  /// The precision of parts that are small compared with the denoiser.
  package var ofSmallParts: Precision { self == .exact ? .exact : .fast }

  /// The arithmetic of products with large weights, which are most.
  package var arithmetic: Arithmetic {
    form(of: .float32, inputs: .max, outputs: .max).arithmetic
  }

  /// The arithmetic of products of two activations, and of those with transformed filters: 8 bits would
  /// be too few for them.
  package var arithmeticOfActivations: Arithmetic { self == .exact ? .float32 : .int16 }

  /// The packed form of a matrix of type `dtype`.
  ///
  /// - Parameters:
  ///   - dtype: a floating-point type.
  ///   - inputs: features or channels that it takes; with few, as latents have, no bit is to spare.
  ///   - outputs: those that it gives.
  /// - Returns: the form.
  package func form(of dtype: DType, inputs: Int, outputs: Int) -> PackedMatrix.Form {
    let isThin = min(inputs, outputs) < 16
    return switch self {
    case .exact: PackedMatrix.Form(dtype)
    case .fast: .int16
    case .int8: isThin ? .int16 : .int8
    case .int4: isThin ? .int16 : .int4
    }
  }

  /// Whether a matrix of blocks is repacked as ``BlockFormat/packedForm`` has it: where the numbers need not be
  /// exact, and take no more bits than the precision allows.
  package func keepsBlocks(_ form: PackedMatrix.Form) -> Bool {
    switch self {
    case .exact: false
    case .fast, .int8: true
    case .int4: form == .blocks4
    }
  }

  /// The form of a 3×3 kernel that is transformed beforehand for Winograd's algorithm; nil where that is not worth its
  /// memory.
  ///
  /// Large kernels belong to small pictures (in Stable Diffusion to latents of 32×32 and less) and are
  /// transformed as they are used.
  package func winogradForm(inputs: Int, outputs: Int) -> PackedMatrix.Form? {
    guard min(inputs, outputs) >= 16, inputs * outputs <= 500_000 else { return nil }
    return self == .exact ? .float32 : .int16
  }
}
