import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
public import LanternTensor

/// Vectors of texts: a language model's last hidden states, pooled over the tokens of a text, as sentence-transformers
/// (5) and llama.cpp make them.
public struct TextEmbedder: Sendable {
  /// How the hidden states of a text's tokens become one vector.
  public enum Pooling: String, Sendable, CaseIterable {
    /// Their mean.
    case mean
    /// That of the last token, which has read all others.
    case last
    /// That of the first.
    case cls
  }

  /// How it pools.
  public let pooling: Pooling
  /// What was read otherwise than the files may lead to expect: a line each.
  public let notes: [String]
  private let model: LanguageModel

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder as transformers lays it out.
  ///   - pooling: how it pools; as the model's files say when nil, or else the mean.
  ///   - precision: how exactly it computes.
  ///   - cacheType: what keys and values of tokens are kept in; f16 when nil, or f32 in `Precision.exact`.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    path: String, pooling: Pooling? = nil, precision: Precision = .default,
    cacheType: KVCacheType? = nil
  ) throws {
    let said = try Self.pooling(of: path)
    model = try LanguageModel(path, precision: precision, cacheType: cacheType)
    self.pooling = pooling ?? said ?? .mean
    var notes = model.notes
    if let pooling, let said, said != pooling {
      notes.append(
        "pooling \(pooling.rawValue), where the model's files say \(said.rawValue): distances are others"
      )
    }
    self.notes = notes
  }

  /// Features of a vector.
  public var features: Int { model.network.features }

  /// The vector of a text.
  ///
  /// - Parameters:
  ///   - text: what is read, behind the tokens that the model begins every text with.
  ///   - isNormalized: whether the vector is scaled to length 1, so that a product of two is the cosine between them.
  /// - Returns: the vector.
  /// - Throws: ``RequestError`` for a text that is too long, or whose vector is not finite; `TensorError`.
  public func vector(of text: String, isNormalized: Bool = true) throws -> [Float] {
    let ids = model.ids(of: text)
    guard ids.count <= model.network.maximumLength else {
      throw RequestError.longText(tokens: ids.count, maximum: model.network.maximumLength)
    }
    var cache = try model.makeCache(capacity: ids.count)
    let hidden = try model.network.read(ids, into: &cache).floats()
    let rows =
      switch pooling {
      case .mean: 0..<ids.count
      case .last: ids.count - 1..<ids.count
      case .cls: 0..<1
      }
    var sums = [Double](repeating: 0, count: features)
    for row in rows {
      for index in sums.indices { sums[index] += Double(hidden[row * features + index]) }
    }
    let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard length.isFinite else { throw RequestError.notFinite(what: "the text's vector", step: 0) }
    let divisor = isNormalized ? max(length, 1e-12) : Double(rows.count)
    return sums.map { Float($0 / divisor) }
  }

  /// The cosine of the angle between two vectors; 0 where one is of length 0.
  public static func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func product(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let length = (product(a, a) * product(b, b)).squareRoot()
    return length == 0 ? 0 : product(a, b) / length
  }

  // MARK: What files say

  private static func pooling(of path: String) throws -> Pooling? {
    guard FileSystem.isDirectory(path) else {
      let values = try GGUFFile(path).values
      let architecture = values["general.architecture"]?.string ?? ""
      let key = "\(architecture).pooling_type"
      guard let number = values[key]?.integer, number != 0 else { return nil }
      // llama.cpp's `llama_pooling_type`.
      guard let pooling = [1: Pooling.mean, 2: .cls, 3: .last][number] else {
        throw FormatError.unsupportedSetting(key: key, value: "\(number)", file: path)
      }
      return pooling
    }
    let file = FileSystem.join(FileSystem.join(path, "1_Pooling"), "config.json")
    guard FileSystem.exists(file) else { return nil }
    let config = try Config(path: file)
    let keys: [(key: String, pooling: Pooling)] = [
      ("pooling_mode_mean_tokens", .mean), ("pooling_mode_lasttoken", .last),
      ("pooling_mode_cls_token", .cls),
    ]
    let chosen = try keys.filter { try config.bool($0.key, default: false) }.map(\.pooling)
    let others = config.keys.filter { key in
      key.hasPrefix("pooling_mode_") && !keys.contains { $0.key == key }
        && config.value(key)?.bool == true
    }
    guard chosen.count <= 1, others.isEmpty else {
      throw FormatError.unsupportedSetting(
        key: others.first ?? "pooling_mode", value: "true, or several are", file: file)
    }
    return chosen.first
  }
}
