import LanternFormats
import LanternTensor

/// Statistics of the features of many pictures: their mean and covariance. The distance of two such
/// is small when one set of pictures looks like the other (Heusel et al. 2017, arXiv:1706.08500, with a
/// judge's features in place of Inception's).
package struct FeatureStatistics: Sendable {
  /// Number of features.
  private let size: Int
  private let mean: [Double]
  /// Rows of `size` numbers.
  private let covariance: [Double]

  /// Of features, one list a picture.
  ///
  /// - Returns: nil for fewer than two pictures.
  package init?(_ pictures: [[Float]]) {
    guard let first = pictures.first, pictures.count > 1 else { return nil }
    size = first.count
    let count = Double(pictures.count)
    var mean = [Double](repeating: 0, count: size)
    for picture in pictures {
      for index in mean.indices { mean[index] += Double(picture[index]) / count }
    }
    var covariance = [Double](repeating: 0, count: size * size)
    for picture in pictures {
      let apart = mean.indices.map { Double(picture[$0]) - mean[$0] }
      for row in mean.indices {
        for column in mean.indices {
          covariance[row * size + column] += apart[row] * apart[column] / (count - 1)
        }
      }
    }
    (self.mean, self.covariance) = (mean, covariance)
  }

  /// Of a file with `mean` [feature] and `covariance` [feature, feature], as `training/scene_statistics.py`
  /// writes it.
  ///
  /// - Throws: ``FormatError`` when it cannot be read or has no such tensors.
  package init(contentsOf path: String) throws {
    let file = try SafetensorsFile(path)
    func tensor(_ name: String) throws -> Tensor {
      guard let found = try file.tensor(name) else {
        throw FormatError.missingTensor(name: name, file: path)
      }
      return found
    }
    let (mean, covariance) = (try tensor("mean"), try tensor("covariance"))
    size = mean.elementCount
    guard mean.shape == [size], covariance.shape == [size, size] else {
      throw TensorError.shape(
        op: "statistics", expected: "[\(size), \(size)]", found: covariance.shape)
    }
    self.mean = try mean.floats().map(Double.init)
    self.covariance = try covariance.floats().map(Double.init)
  }

  /// The Fréchet distance of two normal distributions; nil when they are of different features.
  ///
  /// `|m − n|² + tr(A + B − 2 (√A B √A)^½)`.
  package func distance(to other: FeatureStatistics) -> Double? {
    guard size == other.size else { return nil }
    let apart = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let root = SymmetricMatrix(covariance, size).squareRoot
    let product = root.times(SymmetricMatrix(other.covariance, size)).times(root)
    let shared = product.eigenvalues.reduce(0) { $0 + max($1, 0).squareRoot() }
    let traces = (0..<size).reduce(0) {
      $0 + covariance[$1 * size + $1] + other.covariance[$1 * size + $1]
    }
    return max(apart + traces - 2 * shared, 0)
  }
}

/// A symmetric matrix of a few hundred rows.
private struct SymmetricMatrix {
  private let values: [Double]
  private let size: Int

  init(_ values: [Double], _ size: Int) {
    self.values = values
    self.size = size
  }

  /// The product; of two whose product is symmetric, or will be.
  func times(_ other: SymmetricMatrix) -> SymmetricMatrix {
    var product = [Double](repeating: 0, count: size * size)
    for row in 0..<size {
      for middle in 0..<size {
        let factor = values[row * size + middle]
        for column in 0..<size {
          product[row * size + column] += factor * other.values[middle * size + column]
        }
      }
    }
    return SymmetricMatrix(product, size)
  }

  var eigenvalues: [Double] { Eigen.symmetric(values, count: size).values }

  /// The matrix whose square this is; what is below 0, by rounding, counts as 0.
  var squareRoot: SymmetricMatrix {
    let found = Eigen.symmetric(values, count: size)
    var root = [Double](repeating: 0, count: size * size)
    for (index, value) in found.values.enumerated() where value > 0 {
      let scale = value.squareRoot()
      for row in 0..<size {
        let factor = scale * found.vectors[index * size + row]
        for column in 0..<size {
          root[row * size + column] += factor * found.vectors[index * size + column]
        }
      }
    }
    return SymmetricMatrix(root, size)
  }
}
