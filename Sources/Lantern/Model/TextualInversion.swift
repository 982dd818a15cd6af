import LanternPlatform
import LanternFormats
import LanternModels
import LanternTensor

/// An embedding: a word of one's own whose vectors were trained (textual inversion, Gal et al. 2022,
/// arXiv:2208.01618). In prompts its word stands for all of them, and so does `embedding:word`.
public struct TextualInversion: Sendable, Equatable {
  /// A file of stable-diffusion-webui, diffusers or kohya.
  public var path: String
  /// The word in prompts; the file's name without its ending, and the word in the file, when nil.
  public var token: String?

  /// The embedding of a file.
  public init(_ path: String, token: String? = nil) {
    self.path = path
    self.token = token
  }

  /// The embedding of a path, and a word after a colon behind the file's ending.
  package init(argument: String) {
    let found = Self.endings.lazy.compactMap { argument.lowercased().firstRange(of: ".\($0):") }
      .first
    guard !FileSystem.exists(argument), let found else {
      self.init(argument)
      return
    }
    let count = argument.lowercased()[..<found.upperBound].count
    self.init(String(argument.prefix(count - 1)), token: String(argument.dropFirst(count)))
  }

  /// The file's name without the folder it is in.
  package var name: String { FileSystem.split(path).name }

  /// The file's name, and the word after a colon where one was given.
  package var label: String { token.map { "\(name):\($0)" } ?? name }

  static let endings = ["safetensors", "pt", "bin"]

  /// The file's name without its ending.
  var stem: String { Self.stem(of: name) }

  /// A name or path without its ending.
  static func stem(of name: String) -> String {
    guard let ending = endings.first(where: { name.lowercased().hasSuffix(".\($0)") }) else {
      return name
    }
    return String(name.dropLast(ending.count + 1))
  }

  /// An embedding as text encoders take it.
  struct Loaded: Sendable {
    /// The words for it.
    let words: [String]
    /// Vectors for each encoder, `[vector, feature]`.
    let tables: [Tensor]
  }

  /// Reads the file for encoders of some numbers of features; SDXL's refiner has the second encoder alone.
  ///
  /// - Throws: ``RequestError/mismatch(reason:path:)`` for vectors of another model, and what reading throws.
  func load(features: [Int], encoders: [Int]) throws -> [Loaded] {
    let entries = try TextualInversionFile(openTensorFile(path)).entries
    if let token, token.isEmpty || token.contains(where: \.isWhitespace) || entries.count > 1 {
      throw RequestError.range(
        name: "token of \(name)", found: "\"\(token)\"",
        allowed: entries.count > 1 ? "none: it has several" : "a word without spaces")
    }
    return try entries.map { entry in
      let words =
        token.map { [$0] } ?? (entries.count > 1 ? [] : [stem]) + [entry.word].compactMap(\.self)
      return Loaded(
        words: Array(Set(words)).sorted(), tables: try tables(of: entry, features, encoders))
    }
  }

  private func tables(
    of entry: TextualInversionFile.Entry, _ features: [Int], _ encoders: [Int]
  ) throws -> [Tensor] {
    let isPair = encoders != [1]
    let names =
      isPair
      ? encoders.map { $0 == 1 ? "clip_l" : "clip_g" }
      : [entry.tables.keys.contains("") ? "" : "clip_l"]
    let tables = names.compactMap { entry.tables[$0] }
    guard tables.count == features.count, entry.tables.count == (isPair ? 2 : 1) else {
      let found = entry.tables.keys.sorted().map { $0.isEmpty ? "one table" : $0 }
      throw RequestError.mismatch(
        reason: "it has \(found.joined(separator: " and ")), and this model takes "
          + (isPair ? "clip_l and clip_g, as embeddings for SDXL have them" : "one table")
          + ": it is an embedding for another model", path: path)
    }
    for (table, features) in zip(tables, features) where table.shape[1] != features {
      throw RequestError.mismatch(
        reason:
          "its vectors have \(table.shape[1]) features, and the text encoder's \(features): it "
          + "is an embedding for another model", path: path)
    }
    return tables
  }
}

/// A folder of embeddings that prompts call by their files' names: `name`, or `embedding:name`.
public struct EmbeddingFolder: Sendable {
  private let files: NamedFiles

  /// Lists the embeddings of a folder and of those within it: `.safetensors`, `.pt` and `.bin` files.
  ///
  /// - Parameter path: the folder.
  /// - Throws: `FormatError` when it cannot be listed.
  public init(_ path: String) throws {
    files = try NamedFiles(folder: path, endings: TextualInversion.endings)
  }

  /// The embedding of a name.
  ///
  /// - Parameters:
  ///   - name: the file's, with or without its ending and the folders above it.
  ///   - token: its word in prompts.
  /// - Returns: the embedding.
  /// - Throws: `FormatError` when there is none, with the nearest name, or several.
  public func embedding(named name: String, token: String? = nil) throws -> TextualInversion {
    TextualInversion(try files.path(of: name, kind: "embedding"), token: token)
  }

  /// Names that prompts may call.
  var names: [String] { files.names }
}
