import LanternPlatform
import LanternFormats
import LanternLayers
package import LanternModels
package import LanternPictures
package import LanternTensor
import LanternTokenizers

/// All parts of a transformer that writes and draws, loaded from folders as showlab publishes them:
/// the transformer's own, and within it or next to it the image tokenizer's and the language model's.
package struct UnifiedModel: Sendable {
  /// Path of the folder it was loaded from.
  package let path: String
  /// The class of its transformer.
  package let className: String
  package let transformer: any UnifiedTransformer
  let words: any Tokenizer
  let images: any TokenCodec
  package let defaults: StoryDefaults
  /// Codes in a row of a picture, which has as many rows.
  let side: Int

  private let precision: Precision
  private let imageFolder: String

  private static let stems = ["model", "pytorch_model", "diffusion_pytorch_model"]
  private static let imageFolders = ["magvitv2", "vqvae", "image_tokenizer"]

  /// Whether a folder holds such a model, and not one as diffusers lays it out.
  package static func isHere(_ path: String) -> Bool {
    !FileSystem.exists(FileSystem.join(path, "model_index.json"))
      && FileSystem.exists(FileSystem.join(path, "config.json"))
  }

  /// Loads every part.
  ///
  /// - Parameters:
  ///   - path: the transformer's folder.
  ///   - precision: what the transformer computes in.
  /// - Throws: an error of the room where something is wrong; each says which file, what, and the
  ///   remedy.
  package init(_ path: String, precision: Precision = .default) throws {
    var path = path
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    let file = FileSystem.join(path, "config.json")
    guard FileSystem.exists(file) else {
      throw FormatError.missingFile(
        path: file, remedy: "give a folder with Show-o's config.json and weights")
    }
    self.path = path
    self.precision = precision
    className = try Config(path: file).string(
      "_class_name", default: ModelCatalogue.standardUnifiedTransformer)
    guard let row = ModelCatalogue.unifiedTransformers[className] else {
      throw RequestError.unsupportedModel(
        kind: className, path: file,
        supported: ModelCatalogue.unifiedTransformers.keys.sorted().joined(separator: ", "))
    }
    let name = try FileSystem.split(row.languageModel(Config(path: file))).name
    let language = try Self.folder([name], near: path, "the language model's tokenizer")
    words = try TokenizerCatalogue.load(folder: language, default: "GPT2Tokenizer")
    let settings = FileSystem.join(language, "config.json")
    transformer = try row.make(
      Config(path: file),
      FileSystem.exists(settings) ? Config(path: settings) : Config([:], file: settings),
      words.endOfText,
      Weights(TensorArchive(folder: path, stems: Self.stems), precision: precision))
    imageFolder = try Self.folder(Self.imageFolders, near: path, "the image tokenizer")
    images = try Self.imageTokenizer(imageFolder, precision.ofSmallParts)
    defaults = try StoryDefaults(folder: path, codes: transformer.codesPerPicture)
    side = Int(Double(transformer.codesPerPicture).squareRoot())
    try checkFit()
  }

  private static func imageTokenizer(_ folder: String, _ precision: Precision) throws
    -> any TokenCodec
  {
    let config = try Config(path: FileSystem.join(folder, "config.json"))
    let kind = try config.string("_class_name", default: "MAGVITv2")
    guard let make = ModelCatalogue.tokenCodecs[kind] else {
      throw RequestError.unsupportedModel(
        kind: kind, path: folder,
        supported: ModelCatalogue.tokenCodecs.keys.sorted().joined(separator: ", "))
    }
    return try make(
      config, Weights(TensorArchive(folder: folder, stems: stems), precision: precision))
  }

  /// The first of `names` within `path` or next to it.
  private static func folder(_ names: [String], near path: String, _ what: String)
    throws(FormatError) -> String
  {
    for root in [path, FileSystem.split(path).folder] {
      for name in names where !name.isEmpty {
        let folder = FileSystem.join(root, name)
        if FileSystem.isDirectory(folder) { return folder }
      }
    }
    throw .missingFile(
      path: FileSystem.join(path, names.first ?? ""),
      remedy: "\(what) belongs there, or next to the folder: fetch it")
  }

  /// Parts of different models may each be sound and yet not fit.
  private func checkFit() throws {
    let tokens = transformer.tokens
    guard images.codebookSize == tokens.codes.count else {
      throw RequestError.mismatch(
        reason: "the image tokenizer has \(images.codebookSize) codes and the transformer "
          + "\(tokens.codes.count); both must come from one model", path: path)
    }
    guard [0, images.featureChannels].contains(transformer.shownFeatures) else {
      throw RequestError.mismatch(
        reason: "the image tokenizer has \(images.featureChannels) features and the transformer is "
          + "shown \(transformer.shownFeatures) (mm_hidden_size); both must come from one model",
        path: path)
    }
    guard words.count <= tokens.text.count, words.endOfText < tokens.text.count else {
      throw RequestError.mismatch(
        reason: "the tokenizer has \(words.count) tokens and the transformer knows "
          + "\(tokens.text.count); both must come from one model", path: path)
    }
    let codes = transformer.codesPerPicture
    guard side > 0, side * side == codes else {
      throw RequestError.mismatch(
        reason: "num_vq_tokens is \(codes), which makes no square", path: path)
    }
    guard codes + 8 <= transformer.maximumLength else {
      throw RequestError.mismatch(
        reason: "a picture has \(codes) tokens and the transformer takes "
          + "\(transformer.maximumLength)", path: path)
    }
  }

  /// An empty cache, of f16 unless results are to be exact.
  func makeCache() throws(TensorError) -> KVCache {
    try transformer.makeCache(as: KVCacheType(for: precision))
  }

  /// The weights of each part.
  func parts() throws(FormatError) -> [(name: String, archive: TensorArchive)] {
    [
      ("transformer", try TensorArchive(folder: path, stems: Self.stems)),
      ("image tokenizer", try TensorArchive(folder: imageFolder, stems: Self.stems)),
    ]
  }

  /// Pixels a side of the pictures that it draws.
  package var pixels: Int { side * images.downsampling }

  /// The codes of a picture of any size: its middle square, resized.
  package func codes(of picture: Picture) throws -> [Int] {
    try images.codes(of: middle(of: picture))
  }

  /// The image tokenizer's features of a picture of any size: its middle square, resized.
  func features(of picture: Picture) throws -> Tensor {
    try images.features(of: middle(of: picture))
  }

  private func middle(of picture: Picture) throws -> Tensor {
    try picture.middleSquare(pixels).tensor.scaled(by: 2, plus: -1)
  }

  /// The picture that codes stand for, `side` or more to a row.
  package func picture(_ codes: [Int], width: Int? = nil) throws -> Picture {
    // The decoder cannot reuse the transformer's large buffers, which are of other sizes.
    BufferPool.shared.drain(atLeast: 4 << 20)
    let image = try images.decode(codes, width: width ?? side).scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else {
      throw RequestError.notFinite(what: "the decoded picture", step: nil)
    }
    return try Picture(image)
  }
}
