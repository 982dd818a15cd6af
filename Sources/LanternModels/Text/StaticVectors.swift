package import LanternFormats
package import LanternLayers
package import LanternTensor

/// A vector for each token, from a table and not from a network.
package protocol TokenVectors: Sendable {
  var features: Int { get }
  /// Tokens.
  var count: Int { get }
  /// Whether it is model2vec's, which leaves out the unknown token and what is beyond so many.
  var isModel2Vec: Bool { get }

  /// The vectors of tokens, one behind the other.
  ///
  /// - Throws: `TensorError` for an id outside the table.
  func vectors(of ids: [Int]) throws(TensorError) -> [Float]
}

/// A vector for each token and no network: tables of model2vec, whose tokens may share rows and have weights, and those of
/// WordLlama and of sentence-transformers' `StaticEmbedding`.
package struct StaticVectors: TokenVectors {
  /// `[row, feature]`.
  private let table: Tensor
  /// The row of each token; its own where nil.
  private let mapping: [Int]?
  /// What the row of each token is multiplied by; 1 where nil.
  private let weights: [Float]?
  package let features: Int
  package let count: Int
  package let isModel2Vec: Bool

  /// Names of the table: model2vec's, and that of the others.
  private static let names = ["embeddings", "embedding.weight"]

  /// Whether a file has such a table.
  package static func isHere(_ file: SafetensorsFile) -> Bool {
    names.contains(where: file.contains)
  }

  /// Takes a file's tensors.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape or type, or not finite, or when a token has
  ///   no row.
  package init(_ file: SafetensorsFile) throws(ModelError) {
    let cursor = Weights(TensorArchive(files: [file]), precision: .exact)
    let name = Self.names.first(where: file.contains) ?? Self.names[0]
    isModel2Vec = name == Self.names[0]
    let shape = file.info(name)?.shape ?? []
    guard shape.count == 2, shape[1] > 0 else {
      throw .wrongShape(name: name, expected: [0, 0], found: shape, file: file.path)
    }
    let codes = try Self.integers(name, file, of: "I8")
    if let codes {
      table = try Self.tensor(codes, shape)
    } else {
      table = try cursor.tensor(name, shape)
    }
    features = shape[1]
    mapping = try Self.integers("mapping", file, of: "I64")
    count = mapping?.count ?? shape[0]
    if let row = mapping?.first(where: { !(0..<shape[0]).contains($0) }) {
      throw .inconsistent(
        reason: "\"mapping\" has row \(row), of \(shape[0])", file: file.path)
    }
    let weights = file.contains("weights") ? try cursor.tensor("weights", [count]) : nil
    do {
      self.weights = try weights?.floats()
    } catch {
      throw .tensor(error)
    }
    try cursor.finish(ignoring: ["mapping"] + (codes == nil ? [] : [name]))
  }

  private static func integers(_ name: String, _ file: SafetensorsFile, of type: String)
    throws(ModelError) -> [Int]?
  {
    guard file.info(name)?.dtype == type else { return nil }
    do { return try file.integers(name) } catch { throw .file(error) }
  }

  private static func tensor(_ codes: [Int], _ shape: [Int]) throws(ModelError) -> Tensor {
    do { return try Tensor(codes.map(Float.init), shape: shape) } catch { throw .tensor(error) }
  }

  package func vectors(of ids: [Int]) throws(TensorError) -> [Float] {
    guard !ids.isEmpty else { return [] }
    if let bad = ids.first(where: { !(0..<count).contains($0) }) {
      throw .shape(op: "StaticVectors", expected: "ids below \(count)", found: [bad])
    }
    var values = try table.rows(mapping.map { mapping in ids.map { mapping[$0] } } ?? ids).floats()
    guard let weights else { return values }
    for (token, id) in ids.enumerated() {
      for feature in 0..<features { values[token * features + feature] *= weights[id] }
    }
    return values
  }
}
