internal import CLanternKernels

extension Tensor {
  /// Applies `function` to each element.
  ///
  /// - Returns: the shape of `self`, f32.
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless `self` is f32.
  public func applying(_ function: Activation) throws(TensorError) -> Tensor {
    let x = try readable(function.rawValue)
    let y = try Draft(shape)
    kernels.unary(function.kernel, x.floatPointer, Int64(elementCount), y.floats)
    return y.tensor()
  }

  /// `scale · self + offset`, elementwise.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless `self` is f32.
  public func scaled(by scale: Float, plus offset: Float = 0) throws(TensorError) -> Tensor {
    let x = try readable("scaled")
    let y = try Draft(shape)
    kernels.affine(x.floatPointer, scale, offset, Int64(elementCount), y.floats)
    return y.tensor()
  }

  /// Each element moved into `range`; NaN becomes its lower bound.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless `self` is f32.
  public func clamped(to range: ClosedRange<Float>) throws(TensorError) -> Tensor {
    let x = try readable("clamped")
    let y = try Draft(shape)
    kernels.clamp(x.floatPointer, range.lowerBound, range.upperBound, Int64(elementCount), y.floats)
    return y.tensor()
  }

  /// Each element, or that times its channel's slope where it is negative, as `torch.nn.PReLU` (He et al. 2015,
  /// arXiv:1502.01852).
  ///
  /// - Parameter slope: `[channel]`; `self` is `[…, channel]`, f32.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` for another number of slopes.
  public func prelu(_ slope: Tensor) throws(TensorError) -> Tensor {
    let columns = shape.last ?? 0
    let slope = try slope.checked("prelu slope", [columns])
    let x = try readable("prelu")
    let y = try Draft(shape)
    withExtendedLifetime((x, slope)) {
      kernels.prelu(
        x.floatPointer, slope.floatPointer, Int64(shape.dropLast().reduce(1, *)), Int64(columns),
        y.floats)
    }
    return y.tensor()
  }

  /// Elementwise sum; sizes of 1 stretch to fit, as in NumPy.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the shapes do not fit.
  public static func + (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    try combine(LK_ADD, "+", a, b)
  }

  /// Elementwise difference; sizes of 1 stretch to fit, as in NumPy.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the shapes do not fit.
  public static func - (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    try combine(LK_SUBTRACT, "-", a, b)
  }

  /// Elementwise product; sizes of 1 stretch to fit, as in NumPy.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the shapes do not fit.
  public static func * (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    try combine(LK_MULTIPLY, "*", a, b)
  }

  /// Elementwise quotient; sizes of 1 stretch to fit, as in NumPy.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the shapes do not fit.
  public static func / (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    try combine(LK_DIVIDE, "/", a, b)
  }

  /// Each element times `factor`.
  public static func * (a: Tensor, factor: Float) throws(TensorError) -> Tensor {
    try a.scaled(by: factor)
  }

  private static func combine(
    _ op: lk_binary, _ name: String, _ a: Tensor, _ b: Tensor
  ) throws(TensorError) -> Tensor {
    let a = try a.readable(name)
    let b = try b.readable(name)
    let shape = try broadcast(a.shape, b.shape, name)
    let y = try Draft(shape)
    guard y.elementCount > 0 else { return y.tensor() }
    let columns = shape.last ?? 1
    let layout = BroadcastRows(a: a, b: b, shape: shape)
    for run in layout.runs {
      kernels.binary(
        op, a.floatPointer + run.a, Int64(run.aRow), layout.aColumn, b.floatPointer + run.b,
        Int64(run.bRow), layout.bColumn, Int64(run.rows), Int64(columns), y.floats + run.y)
    }
    return y.tensor()
  }

  private static func broadcast(
    _ a: [Int], _ b: [Int], _ op: String
  ) throws(TensorError) -> [Int] {
    var shape = a.count >= b.count ? a : b
    let other = a.count >= b.count ? b : a
    let skip = shape.count - other.count
    for axis in other.indices where shape[skip + axis] != other[axis] {
      guard shape[skip + axis] == 1 || other[axis] == 1 else {
        throw .shape(op: op, expected: "\(a), or sizes of 1 in its place", found: b)
      }
      shape[skip + axis] = shape[skip + axis] == 1 ? other[axis] : shape[skip + axis]
    }
    return shape
  }
}

/// Two broadcast operands as runs of rows with one stride each, which is what the kernel takes.
private struct BroadcastRows {
  struct Run {
    var a = 0
    var b = 0
    var y = 0
    var rows = 1
    var aRow = 0
    var bRow = 0
  }

  let aColumn: Int64
  let bColumn: Int64
  private(set) var runs: [Run] = []

  init(a: Tensor, b: Tensor, shape: [Int]) {
    let aStrides = Self.strides(a, shape.count)
    let bStrides = Self.strides(b, shape.count)
    aColumn = Int64(aStrides.last ?? 0)
    bColumn = Int64(bStrides.last ?? 0)
    let outer = shape.dropLast()
    let columns = shape.last ?? 1
    // The innermost run of axes over which both operands advance by one stride is a single call.
    var split = outer.count
    var rows = 1
    let aRow = outer.isEmpty ? 0 : aStrides[outer.count - 1]
    let bRow = outer.isEmpty ? 0 : bStrides[outer.count - 1]
    while split > 0,
      outer[split - 1] == 1 || rows == 1
        || (aStrides[split - 1] == aRow * rows && bStrides[split - 1] == bRow * rows)
    {
      if rows == 1, split < outer.count, outer[split - 1] != 1 { break }
      rows *= outer[split - 1]
      split -= 1
    }
    let lead = Array(outer.prefix(split))
    for index in 0..<lead.elementCount {
      var run = Run(y: index * rows * columns, rows: rows, aRow: aRow, bRow: bRow)
      var rest = index
      for axis in lead.indices.reversed() {
        let position = rest % lead[axis]
        rest /= lead[axis]
        run.a += position * aStrides[axis]
        run.b += position * bStrides[axis]
      }
      runs.append(run)
    }
  }

  private static func strides(_ x: Tensor, _ rank: Int) -> [Int] {
    let own = x.shape.contiguousStrides
    let strides = x.shape.indices.map { x.shape[$0] == 1 ? 0 : own[$0] }
    return Array(repeating: 0, count: rank - x.rank) + strides
  }
}
