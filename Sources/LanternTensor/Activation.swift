internal import CLanternKernels

/// Functions of one number, applied to each element.
public enum Activation: String, Sendable, CaseIterable {
  /// The number itself.
  case identity
  /// `x · sigmoid(x)`.
  case silu
  /// `x · (1 + erf(x / √2)) / 2`, exact.
  case gelu
  /// The tanh approximation of ``gelu``.
  case geluTanh
  /// `x · sigmoid(1.702 x)`, as OpenAI's CLIP has it.
  case quickGELU
  /// `max(x, 0)`.
  case relu
  /// `x`, or `0.2 x` where it is negative, as ESRGAN has it.
  case leakyReLU
  /// The hyperbolic tangent.
  case tanh
  /// e to the power of x.
  case exponential

  var kernel: lk_unary {
    switch self {
    case .identity: LK_IDENTITY
    case .silu: LK_SILU
    case .gelu: LK_GELU
    case .geluTanh: LK_GELU_TANH
    case .quickGELU: LK_QUICK_GELU
    case .relu: LK_RELU
    case .leakyReLU: LK_LEAKY_RELU
    case .tanh: LK_TANH
    case .exponential: LK_EXP
    }
  }
}
