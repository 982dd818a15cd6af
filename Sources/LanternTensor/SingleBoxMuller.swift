/// Box–Muller in f32, to the bit as PyTorch's vectors of AVX2 have it, which is what `torch.randn`
/// runs on every x86-64 processor of the last decade.
///
/// Logarithm, sine and cosine are the polynomials of Moshier's Cephes library (`logf`, `sinf`, `cosf`),
/// with products and sums fused where GCC fuses them. PyTorch on other processors asks their libraries
/// of mathematics, and differs in the last bit of one number in a hundred.
enum SingleBoxMuller {
  /// Turns 16 uniform numbers into normal ones, pairing each of the first eight with its eighth next.
  static func transform(_ block: UnsafeMutablePointer<Float>) {
    for index in 0..<8 {
      let radius = (-2 * logarithm(1 - block[index])).squareRoot()
      let (sine, cosine) = sineAndCosine(turn * block[index + 8])
      block[index] = radius * cosine
      block[index + 8] = radius * sine
    }
  }

  /// 2π to the nearest; `Float.pi` is rounded towards 0.
  private static let turn = Float(2 * Double.pi)

  /// Factors of the powers from 10 down to 3 in `log(1 + x) − x + x²/2`.
  private static let logarithmFactors: [Float] = [
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  ]

  /// The natural logarithm of a positive number.
  static func logarithm(_ number: Float) -> Float {
    var exponent = Float(number.exponent) + 1
    var x = number.significand / 2
    // Within √½ to √2 of 1.
    if x < 0.70710677 {
      exponent -= 1
      x = x - 1 + x
    } else {
      x -= 1
    }
    let square = x * x
    var sum = logarithmFactors[0]
    for factor in logarithmFactors.dropFirst() { sum = factor.addingProduct(sum, x) }
    sum *= x
    // The logarithm of 2 in two parts, the first of which is exact times any exponent.
    sum = (exponent * -2.12194440e-4).addingProduct(sum, square)
    sum = sum.addingProduct(-square, 0.5)
    return (x + sum).addingProduct(exponent, 0.693359375)
  }

  /// Sine and cosine of an angle from 0 to 2π.
  static func sineAndCosine(_ angle: Float) -> (sine: Float, cosine: Float) {
    // Octants, an even number of which is taken off: x lies within ±π/4.
    let octant = (Int(angle * 1.27323954473516) + 1) & ~1
    let whole = Float(octant)
    var x = angle.addingProduct(whole, -0.78515625)
    x = x.addingProduct(whole, -2.4187564849853515625e-4)
    x = x.addingProduct(whole, -3.77489497744594108e-8)
    let square = x * x
    var even: Float = 2.443315711809948e-5
    even = Float(-1.388731625493765e-3).addingProduct(even, square)
    even = Float(4.166664568298827e-2).addingProduct(even, square)
    even = (-(square * 0.5)).addingProduct(even * square, square) + 1
    var odd: Float = -1.9515295891e-4
    odd = Float(8.3321608736e-3).addingProduct(odd, square)
    odd = Float(-1.6666654611e-1).addingProduct(odd, square)
    odd = x.addingProduct(odd * square, x)
    let isTurned = octant & 2 != 0
    let (sine, cosine) = isTurned ? (even, odd) : (odd, even)
    return (octant & 4 != 0 ? -sine : sine, (octant + 2) & 4 != 0 ? -cosine : cosine)
  }
}
