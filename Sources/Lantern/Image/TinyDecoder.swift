import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// A small decoder that draws the pictures of latents in place of a model's own: TAESD's, in a tenth of the
/// time and nearly as well.
enum TinyDecoder {
  /// Loads a decoder.
  ///
  /// - Parameters:
  ///   - path: a folder that diffusers wrote, or a file, whose tensors say what it is.
  ///   - codec: the model's own, whose latents it must take.
  ///   - precision: what it computes in.
  /// - Returns: the decoder.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  static func load(_ path: String, for codec: any LatentCodec, _ precision: Precision) throws
    -> any LatentCodec
  {
    let decoder =
      FileSystem.isDirectory(path) ? try folder(path, precision) : try file(path, precision)
    guard decoder.latentChannels == codec.latentChannels,
      decoder.downsampling == codec.downsampling
    else {
      throw RequestError.mismatch(
        reason: "this decoder takes latents of \(decoder.latentChannels) channels, "
          + "\(decoder.downsampling) pixels a side each, and the model's have "
          + "\(codec.latentChannels) and \(codec.downsampling); take the tiny decoder that was made "
          + "for its kind", path: path)
    }
    return decoder
  }

  private static func folder(_ path: String, _ precision: Precision) throws -> any LatentCodec {
    let config = try Config(path: FileSystem.join(path, "config.json"))
    let name = try config.string("_class_name")
    guard let make = ModelCatalogue.latentCodecs[name] else {
      throw RequestError.unsupportedModel(
        kind: name, path: path,
        supported: ModelCatalogue.latentCodecs.keys.sorted().joined(separator: ", "))
    }
    let archive = try TensorArchive(folder: path, stems: ["diffusion_pytorch_model"])
    return try make(config, Weights(archive, precision: precision))
  }

  private static func file(_ path: String, _ precision: Precision) throws -> any LatentCodec {
    let file = try openTensorFile(path)
    for row in ModelCatalogue.tinyDecoders {
      if let decoder = try row.model(of: file, precision) { return decoder }
    }
    throw RequestError.unsupportedModel(
      kind: CheckpointKind(names: file.names)?.name ?? "that is not known", path: path,
      supported: "decoders of \(ModelCatalogue.tinyDecoders.map(\.name).joined(separator: ", "))")
  }
}
