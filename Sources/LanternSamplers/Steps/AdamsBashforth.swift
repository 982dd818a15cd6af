import LanternTensor

/// The linear multistep method of Adams and Bashforth for evenly spaced steps, up to fourth order: what
/// PNDM (Liu et al. 2022, arXiv:2202.09778) and IPNDM share.
enum AdamsBashforth {
  /// The highest order.
  static let order = coefficients.count

  /// Coefficients of the derivatives, newest first, by order.
  private static let coefficients: [[Float]] = [
    [1], [3.0 / 2, -1.0 / 2], [23.0 / 12, -16.0 / 12, 5.0 / 12],
    [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24],
  ]

  /// The derivative over a step: derivatives at past steps, newest first and at most ``order``, weighted.
  static func combined(_ derivatives: [Tensor]) throws(TensorError) -> Tensor {
    let factors = coefficients[derivatives.count - 1]
    var sum = try derivatives[0] * factors[0]
    for (factor, derivative) in zip(factors, derivatives).dropFirst() {
      sum = try sum + derivative * factor
    }
    return sum
  }
}
