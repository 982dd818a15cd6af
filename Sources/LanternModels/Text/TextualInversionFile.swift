package import LanternFormats
package import LanternLayers
package import LanternTensor

/// A file of textual inversion (Gal et al. 2022, arXiv:2208.01618): words, and the vectors that stand for
/// them.
///
/// Spellings: stable-diffusion-webui's `string_to_param`, diffusers' `{"<word>": vectors}`, kohya's
/// `emb_params`, SDXL's pair `clip_l` and `clip_g`, `bundle_emb.NAME.…` in files of adapters, and lists
/// of dictionaries.
package struct TextualInversionFile: Sendable {
  /// An embedding.
  package struct Entry: Sendable {
    /// Its word in the file; nil where that has none.
    package let word: String?
    /// Vectors for each text encoder, `[vector, feature]`, f32, by the names of SDXL's pair; under an empty
    /// name where there is one table.
    package let tables: [String: Tensor]
  }

  /// The embeddings, in the order of their names.
  package let entries: [Entry]

  private static let pair: Set<String> = ["clip_l", "clip_g"]
  private static let bundle = "bundle_emb."
  private static let parameters = "string_to_param."

  /// Reads a file.
  ///
  /// - Throws: ``ModelError`` for tensors that are no vectors, and for a file that is none of these.
  package init(_ file: any TensorFile) throws(ModelError) {
    let bundled = file.names.filter { $0.hasPrefix(Self.bundle) }
    // In a file of an adapter the bundle is all there is of embeddings.
    let names = (bundled.isEmpty ? file.names : bundled).sorted()
    guard !names.isEmpty else { throw .unsupported(what: "holds no embedding", file: file.path) }
    var tables: [String: [String: Tensor]] = [:]
    for name in names {
      let (word, part) = try Self.word(of: name, in: file, isOnly: names.count == 1)
      guard tables[word]?[part] == nil else {
        throw .unsupported(what: "holds two tables for one word", file: file.path)
      }
      tables[word, default: [:]][part] = try Self.vectors(name, file)
    }
    for (word, parts) in tables where Set(parts.values.map { $0.shape[0] }).count > 1 {
      throw .inconsistent(
        reason: "\(parts.keys.sorted().joined(separator: " and ")) of \(JSON.quoted(word)) have "
          + "different numbers of vectors", file: file.path)
    }
    entries = tables.sorted { $0.key < $1.key }.map { word, parts in
      Entry(word: word.isEmpty ? nil : word, tables: parts)
    }
  }

  /// The word that a tensor is of, empty where the file has none, and the encoder it is for.
  private static func word(
    of name: String, in file: any TensorFile, isOnly: Bool
  ) throws(ModelError) -> (word: String, part: String) {
    if pair.contains(name) { return ("", name) }
    var rest = name
    if rest.hasPrefix(bundle) {
      rest.removeFirst(bundle.count)
      if let range = rest.firstRange(of: ".\(parameters)") {
        return (String(rest[..<range.lowerBound]), "")
      }
      guard let dot = rest.lastIndex(of: "."), pair.contains(String(rest[dot...].dropFirst()))
      else { throw .unsupported(what: "\(JSON.quoted(name)) is no embedding's", file: file.path) }
      return (String(rest[..<dot]), String(rest[dot...].dropFirst()))
    }
    if rest.hasPrefix(parameters) { return (plain(file.metadata["name"] ?? ""), "") }
    if rest == "emb_params" { return ("", "") }
    // A list's number, and a word that may have dots itself.
    let parts = rest.split(separator: ".", maxSplits: 1)
    if parts.count == 2, parts[0].allSatisfy(\.isNumber) { rest = String(parts[1]) }
    // A model's tensors have names too.
    guard isOnly || rest.hasPrefix("<") || !rest.contains(".") else {
      let kind = CheckpointKind(names: file.names).map { "is \($0.name), no embedding" }
      throw .unsupported(
        what: kind ?? "\(JSON.quoted(name)) is no embedding's", file: file.path)
    }
    return (plain(rest), "")
  }

  /// A word without what stands for none.
  private static func plain(_ word: String) -> String { word == "*" ? "" : word }

  private static func vectors(_ name: String, _ file: any TensorFile) throws(ModelError) -> Tensor {
    let found: Tensor?
    do {
      found = try file.tensor(name)
    } catch {
      throw .file(error)
    }
    guard let found else { throw .missingTensor(name: name, file: file.path) }
    guard found.dtype.isFloatingPoint else {
      throw .wrongType(name: name, found: found.dtype, file: file.path)
    }
    let shape = found.rank == 1 ? [1] + found.shape : found.shape
    guard shape.count == 2, (1...vectorLimit).contains(shape[0]), shape[1] > 0 else {
      let kind = CheckpointKind(names: file.names).map { ": this is \($0.name)" } ?? ""
      throw .unsupported(
        what: "\(JSON.quoted(name)) has shape \(found.shape), which is no embedding's\(kind)",
        file: file.path)
    }
    guard found.isFiniteEverywhere else { throw .notFinite(name: name, file: file.path) }
    do {
      return try found.reshaped(shape).converted(to: .float32)
    } catch {
      throw .tensor(error)
    }
  }

  /// Vectors of a word: more than fill a chunk say nothing.
  private static let vectorLimit = 75
}
