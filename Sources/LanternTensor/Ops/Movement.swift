internal import CLanternKernels

extension Tensor {
  /// The same elements in row-major order without gaps: `self` where it is so already.
  ///
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``; ``TensorError/shape(op:expected:found:)`` for
  ///   a view of more than 16 axes that cannot be joined.
  public func contiguous() throws(TensorError) -> Tensor {
    if isContiguous { return self }
    let kept = Self.merged(shape, strides)
    guard kept.shape.count <= LK_MAX_AXES else {
      throw .shape(op: "contiguous", expected: "at most \(LK_MAX_AXES) axes", found: shape)
    }
    let y = try Draft(shape, dtype)
    let size = kept.shape.map(Int64.init)
    let steps = kept.strides.map(Int64.init)
    lk_copy_strided(bytes, steps, size, Int32(size.count), dtype.byteSize, y.bytes)
    return y.tensor()
  }

  /// The same elements under another shape; a view unless a copy is needed to make it one.
  ///
  /// - Parameter shape: one size may be -1, which takes what is left.
  /// - Returns: a tensor of that shape.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the number of elements differs.
  public func reshaped(_ shape: [Int]) throws(TensorError) -> Tensor {
    var target = shape
    if let free = shape.firstIndex(of: -1) {
      target[free] = 1
      let known = try target.checkedElementCount()
      target[free] = known == 0 ? 0 : elementCount / known
    }
    guard try target.checkedElementCount() == elementCount else {
      throw .shape(op: "reshaped", expected: "\(elementCount) elements", found: shape)
    }
    let source = try contiguous()
    return Tensor(
      storage: source.storage, shape: target, dtype: dtype, byteOffset: source.byteOffset)
  }

  /// A view with two axes exchanged; negative axes count from the end.
  ///
  /// - Throws: ``TensorError/axis(op:axis:rank:)``.
  public func transposed(_ first: Int, _ second: Int) throws(TensorError) -> Tensor {
    var order = Array(shape.indices)
    try order.swapAt(resolved(axis: first, "transposed"), resolved(axis: second, "transposed"))
    return try permuted(order)
  }

  /// A view whose axis `i` is axis `order[i]` of `self`.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` unless `order` names each axis once.
  public func permuted(_ order: [Int]) throws(TensorError) -> Tensor {
    guard order.sorted() == Array(shape.indices) else {
      throw .shape(op: "permuted", expected: "an order of \(rank) axes", found: order)
    }
    return Tensor(
      storage: storage, shape: order.map { shape[$0] }, dtype: dtype,
      strides: order.map { strides[$0] }, byteOffset: byteOffset)
  }

  /// A view of a range of positions along one axis.
  ///
  /// - Throws: ``TensorError/range(op:found:size:)``, ``TensorError/axis(op:axis:rank:)``.
  public func sliced(axis: Int, _ range: Range<Int>) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, "sliced")
    guard range.lowerBound >= 0, range.upperBound <= shape[axis] else {
      throw .range(op: "sliced", found: range, size: shape[axis])
    }
    var size = shape
    size[axis] = range.count
    return Tensor(
      storage: storage, shape: size, dtype: dtype, strides: strides,
      byteOffset: byteOffset + range.lowerBound * strides[axis] * dtype.byteSize)
  }

  /// Tensors of one type put behind one another along an axis.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when other axes differ or none is given.
  public static func concatenated(_ parts: [Tensor], axis: Int) throws(TensorError) -> Tensor {
    guard let first = parts.first else {
      throw .shape(op: "concatenated", expected: "at least one tensor", found: [])
    }
    let axis = try first.resolved(axis: axis, "concatenated")
    var size = first.shape
    size[axis] = 0
    for part in parts {
      guard part.dtype == first.dtype else {
        throw .dtype(op: "concatenated", expected: first.dtype.rawValue, found: part.dtype)
      }
      var other = part.shape
      guard part.rank == first.rank else {
        throw .shape(op: "concatenated", expected: "rank \(first.rank)", found: part.shape)
      }
      other[axis] = size[axis]
      guard other == size else {
        throw .shape(op: "concatenated", expected: "\(first.shape)", found: part.shape)
      }
      size[axis] += part.shape[axis]
    }
    let y = try Draft(size, first.dtype)
    // Each part is copied as `outer` rows of its own run length into rows of the whole's.
    let outer = size.prefix(axis).reduce(1, *)
    let inner = size.suffix(from: axis + 1).reduce(1, *) * first.dtype.byteSize
    let rowBytes = size[axis] * inner
    var column = 0
    for part in parts {
      let source = try part.contiguous()
      let run = part.shape[axis] * inner
      for row in 0..<outer {
        (y.bytes + row * rowBytes + column).copyMemory(
          from: source.bytes + row * run, byteCount: run)
      }
      column += run
    }
    return y.tensor()
  }

  /// The same numbers in another floating-point type, rounded to nearest even.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless both types are floating-point, or
  ///   integers become f32.
  public func converted(to target: DType) throws(TensorError) -> Tensor {
    if dtype == target { return try contiguous() }
    let source = try contiguous()
    let y = try Draft(shape, target)
    switch (dtype, target) {
    case (.uint8, .float32):
      let from = source.bytes.assumingMemoryBound(to: UInt8.self)
      for index in 0..<elementCount { y.floats[index] = Float(from[index]) }
    case (.int32, .float32):
      let from = source.bytes.assumingMemoryBound(to: Int32.self)
      for index in 0..<elementCount { y.floats[index] = Float(from[index]) }
    default:
      guard dtype.isFloatingPoint, target.isFloatingPoint else {
        throw .dtype(op: "converted", expected: "a floating-point type", found: dtype)
      }
      kernels.convert(
        source.bytes, dtype.kernelType, Int64(elementCount), y.bytes, target.kernelType)
    }
    return y.tensor()
  }

  /// Rows of a table, by number.
  ///
  /// - Parameter indices: each below `rows` of `self`, which is `[rows, feature]`.
  /// - Returns: `[indices.count, feature]` of the type of `self`.
  /// - Throws: ``TensorError/range(op:found:size:)`` for an index outside.
  public func rows(_ indices: [Int]) throws(TensorError) -> Tensor {
    guard rank == 2 else { throw .shape(op: "rows", expected: "[row, feature]", found: shape) }
    for index in indices where !(0..<shape[0]).contains(index) {
      throw .range(op: "rows", found: index..<Swift.max(index, index &+ 1), size: shape[0])
    }
    let table = try contiguous()
    let y = try Draft([indices.count, shape[1]], dtype)
    lk_gather_rows(
      table.bytes, shape[1] * dtype.byteSize, indices.map(Int32.init), Int64(indices.count),
      y.bytes)
    return y.tensor()
  }

  /// Each pixel repeated `factor` times in both directions.
  ///
  /// - Returns: `[batch, height · factor, width · factor, channel]` of `[batch, height, width,
  ///   channel]`.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` unless `self` has four axes.
  public func upsampledNearest(by factor: Int) throws(TensorError) -> Tensor {
    let x = try readable("upsampledNearest")
    guard rank == 4, factor > 0 else {
      throw .shape(
        op: "upsampledNearest", expected: "[batch, height, width, channel]", found: shape)
    }
    let y = try Draft([shape[0], shape[1] * factor, shape[2] * factor, shape[3]])
    lk_upsample_nearest(
      x.floatPointer, Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(shape[3]),
      Int64(factor), y.floats)
    return y.tensor()
  }

  /// Axes of size 1 dropped and neighbours that advance as one joined.
  private static func merged(_ shape: [Int], _ strides: [Int]) -> (shape: [Int], strides: [Int]) {
    var size: [Int] = []
    var steps: [Int] = []
    for axis in shape.indices where shape[axis] != 1 {
      if let last = steps.last, let lastSize = size.last, last == strides[axis] * shape[axis] {
        size[size.count - 1] = lastSize * shape[axis]
        steps[steps.count - 1] = strides[axis]
      } else {
        size.append(shape[axis])
        steps.append(strides[axis])
      }
    }
    return size.isEmpty ? ([1], [1]) : (size, steps)
  }
}

extension Tensor {
  /// Rows of a table, which of a sum's rows each is added to, and what it is times.
  package typealias RowSum = (rows: Tensor, indices: [Int], factors: [Float])

  /// The sum of rows that belong to some of the rows of `self` each: in order, so that a row's sum does not depend on
  /// which others there are.
  ///
  /// - Parameters:
  ///   - parts: each of `[indices.count, feature]`, f32.
  ///   - base: what they are added to, of the shape of `self`, which is `[row, feature]`; 0 when nil.
  /// - Returns: the shape of `self`, f32.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/range(op:found:size:)`` for an index outside.
  package func sum(of parts: [RowSum], onto base: Tensor? = nil) throws(TensorError) -> Tensor {
    guard rank == 2 else { throw .shape(op: "sum", expected: "[row, feature]", found: shape) }
    let (count, features) = (shape[0], shape[1])
    let sum = try Draft(shape)
    if let base = try base?.checked("sum", shape) {
      sum.floats.update(from: base.floatPointer, count: count * features)
      withExtendedLifetime(base) {}
    } else {
      sum.floats.update(repeating: 0, count: count * features)
    }
    for part in parts {
      let rows = try part.rows.checked("sum", [part.indices.count, features])
      for (row, (index, factor)) in zip(part.indices, part.factors).enumerated() {
        guard (0..<count).contains(index) else {
          throw .range(op: "sum", found: index..<max(index, index &+ 1), size: count)
        }
        let (source, target) = (rows.floatPointer + row * features, sum.floats + index * features)
        for feature in 0..<features { target[feature] += factor * source[feature] }
      }
      withExtendedLifetime(rows) {}
    }
    return sum.tensor()
  }
}
