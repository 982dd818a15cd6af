package import LanternTensor

/// Sizes of tensors as `torch.nn.functional.interpolate` changes them, one axis after the other.
package struct Interpolation: Sendable {
  /// What each new position is a sum of.
  private typealias Taps = [(index: Int, weight: Float)]

  /// The curve; nil for the nearest position.
  private let curve: (support: Float, value: @Sendable (Float) -> Float)?
  private let isAntialiased: Bool
  /// Whether positions are taken by their middle rather than by their beginning.
  private let isExact: Bool

  /// Each new position takes one old one.
  static let nearest = Interpolation(curve: nil, isAntialiased: false, isExact: false)

  private init(
    curve: (support: Float, value: @Sendable (Float) -> Float)?, isAntialiased: Bool, isExact: Bool
  ) {
    (self.curve, self.isAntialiased, self.isExact) = (curve, isAntialiased, isExact)
  }

  /// What enlarges latents in a way of webui.
  package init(_ kind: LatentUpscaling) {
    let triangle: @Sendable (Float) -> Float = { max(0, 1 - abs($0)) }
    switch kind {
    case .bilinear: self.init(curve: (1, triangle), isAntialiased: false, isExact: true)
    case .antialiased: self.init(curve: (1, triangle), isAntialiased: true, isExact: true)
    case .bicubic:
      self.init(curve: (2, Self.cubic(-0.75)), isAntialiased: false, isExact: true)
    case .bicubicAntialiased:
      self.init(curve: (2, Self.cubic(-0.5)), isAntialiased: true, isExact: true)
    case .nearest: self = .nearest
    case .nearestExact: self.init(curve: nil, isAntialiased: false, isExact: true)
    }
  }

  /// Keys' cubic convolution (1981), of which PyTorch takes one parameter without antialiasing and another
  /// with it.
  private static func cubic(_ a: Float) -> @Sendable (Float) -> Float {
    { position in
      let x = abs(position)
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }

  /// A tensor `[batch, height, width, channel]` in another height and width.
  package func resized(_ x: Tensor, height: Int, width: Int) throws(TensorError) -> Tensor {
    let shape = x.shape
    let wide = weighed(
      try x.contiguous().floats(), rows: shape[0] * shape[1], from: shape[2], to: width,
      run: shape[3])
    let all = weighed(wide, rows: shape[0], from: shape[1], to: height, run: width * shape[3])
    return try Tensor(all, shape: [shape[0], height, width, shape[3]])
  }

  /// One axis of `[row, position, run]`.
  private func weighed(_ values: [Float], rows: Int, from count: Int, to size: Int, run: Int)
    -> [Float]
  {
    let sums = (0..<size).map { taps($0, count, size) }
    var result = [Float](repeating: 0, count: rows * size * run)
    for row in 0..<rows {
      for (position, taps) in sums.enumerated() {
        let target = (row * size + position) * run
        for (index, weight) in taps {
          let source = (row * count + index) * run
          for offset in 0..<run { result[target + offset] += weight * values[source + offset] }
        }
      }
    }
    return result
  }

  private func taps(_ position: Int, _ count: Int, _ size: Int) -> Taps {
    let scale = Float(count) / Float(size)
    guard let curve else {
      let index = Int((Float(position) + (isExact ? 0.5 : 0)) * scale)
      return [(min(index, count - 1), 1)]
    }
    let middle = (Float(position) + 0.5) * scale
    let stretch = isAntialiased ? max(scale, 1) : 1
    if isAntialiased {
      let support = curve.support * stretch
      let first = max(Int(middle - support + 0.5), 0)
      let end = min(Int(middle + support + 0.5), count)
      let weights = (first..<end).map { curve.value((Float($0) - middle + 0.5) / stretch) }
      let sum = weights.reduce(0, +)
      return zip(first..<end, weights).map { ($0, sum == 0 ? $1 : $1 / sum) }
    }
    // Beyond the edges its positions go on; of a bilinear curve, what lies before the first is the first.
    let source = curve.support == 1 ? max(middle - 0.5, 0) : middle - 0.5
    let below = Int(source.rounded(.down))
    let reach = Int(curve.support)
    return (below - reach + 1...below + reach).map { index in
      (min(max(index, 0), count - 1), curve.value(source - Float(index)))
    }
  }
}
