internal import CLanternKernels

/// Eigenvalues of symmetric matrices.
package enum Eigen {
  /// A decomposition `a = Σ values[i] · vectors[i]ᵀ vectors[i]`.
  package struct Decomposition {
    /// In no order.
    package let values: [Double]
    /// A row of as many numbers for each.
    package let vectors: [Double]
  }

  /// The eigenvalues and eigenvectors of a symmetric matrix, by LAPACK; where there is none by
  /// ``jacobi(_:count:)``.
  ///
  /// - Parameters:
  ///   - matrix: row by row.
  ///   - count: of its rows.
  /// - Returns: the decomposition.
  package static func symmetric(_ matrix: [Double], count: Int) -> Decomposition {
    var vectors = matrix
    var values = [Double](repeating: 0, count: count)
    let isDone = vectors.withUnsafeMutableBufferPointer { vectors in
      values.withUnsafeMutableBufferPointer { values in
        guard vectors.count == count * count, let a = vectors.baseAddress,
          let w = values.baseAddress
        else { return false }
        return lk_symmetric_eigen(Int64(count), a, w)
      }
    }
    return isDone ? Decomposition(values: values, vectors: vectors) : jacobi(matrix, count: count)
  }

  /// The same by Jacobi's rotations, each of which makes two elements zero, until all off the
  /// diagonal are.
  package static func jacobi(_ matrix: [Double], count size: Int) -> Decomposition {
    var a = matrix
    var v = [Double](repeating: 0, count: size * size)
    for index in 0..<size { v[index * size + index] = 1 }
    let whole = a.reduce(0) { $0 + $1 * $1 }
    for _ in 0..<50 {
      var offDiagonal = 0.0
      for row in 0..<size {
        for column in 0..<row { offDiagonal += 2 * a[row * size + column] * a[row * size + column] }
      }
      if offDiagonal <= 1e-24 * whole { break }
      for p in 0..<size {
        for q in p + 1..<max(size, p + 1) where abs(a[p * size + q]) > 1e-300 {
          let ratio = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
          let tangent =
            (ratio < 0 ? -1.0 : 1.0) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
          let cosine = 1 / (tangent * tangent + 1).squareRoot()
          let sine = tangent * cosine
          for index in 0..<size {
            let (x, y) = (a[index * size + p], a[index * size + q])
            a[index * size + p] = cosine * x - sine * y
            a[index * size + q] = sine * x + cosine * y
          }
          for index in 0..<size {
            let (x, y) = (a[p * size + index], a[q * size + index])
            a[p * size + index] = cosine * x - sine * y
            a[q * size + index] = sine * x + cosine * y
          }
          for index in 0..<size {
            let (x, y) = (v[p * size + index], v[q * size + index])
            v[p * size + index] = cosine * x - sine * y
            v[q * size + index] = sine * x + cosine * y
          }
        }
      }
    }
    return Decomposition(values: (0..<size).map { a[$0 * size + $0] }, vectors: v)
  }
}
