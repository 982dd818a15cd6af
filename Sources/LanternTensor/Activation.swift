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
  /// `1 / (1 + exp(-x))`.
  case sigmoid
  /// Hyperbolic tangent.
  case tanh
  /// e to the power of x.
  case exponential
  /// Natural logarithm.
  case logarithm
  /// Square root.
  case squareRoot
  /// x squared.
  case square
  /// Sine of an angle in radians.
  case sine
  /// Cosine of an angle in radians.
  case cosine
  /// Distance from zero.
  case magnitude

  var kernel: lk_unary {
    switch self {
    case .identity: LK_IDENTITY
    case .silu: LK_SILU
    case .gelu: LK_GELU
    case .geluTanh: LK_GELU_TANH
    case .quickGELU: LK_QUICK_GELU
    case .relu: LK_RELU
    case .sigmoid: LK_SIGMOID
    case .tanh: LK_TANH
    case .exponential: LK_EXP
    case .logarithm: LK_LOG
    case .squareRoot: LK_SQRT
    case .square: LK_SQUARE
    case .sine: LK_SIN
    case .cosine: LK_COS
    case .magnitude: LK_ABS
    }
  }
}
