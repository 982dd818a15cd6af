import LanternTensor
import Testing

@Suite struct EigenTests {
  @Test(
    "eigenvectors times eigenvalues give the matrix again, by LAPACK and without",
    arguments: [1, 2, 7, 40])
  func decomposition(count: Int) throws {
    var random = TorchGenerator(seed: UInt64(count))
    let half = try random.normal([count * count]).floats().map(Double.init)
    // Rank is one less than full, and one eigenvalue twice, as of pictures fewer than features.
    var matrix = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<count {
        for k in 0..<max(1, count - 1) {
          matrix[row * count + column] += half[row * count + k] * half[column * count + k]
        }
      }
    }
    let size = matrix.map(abs).max() ?? 1
    for found in [Eigen.symmetric(matrix, count: count), Eigen.jacobi(matrix, count: count)] {
      var again = [Double](repeating: 0, count: count * count)
      for (index, value) in found.values.enumerated() {
        let vector = found.vectors[index * count..<(index + 1) * count].map { $0 }
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
        for row in 0..<count {
          for column in 0..<count {
            again[row * count + column] += value * vector[row] * vector[column]
          }
        }
      }
      for (a, b) in zip(again, matrix) { #expect(abs(a - b) < 1e-12 * size * Double(count)) }
    }
    #expect(Eigen.symmetric([], count: 0).values.isEmpty)
  }
}
