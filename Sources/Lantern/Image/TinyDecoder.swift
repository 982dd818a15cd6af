import LanternModels
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
    let decoder: any LatentCodec
    do {
      decoder = try AddOn.load(
        path, ModelCatalogue.tinyCodecs, ModelCatalogue.tinyDecoders, precision)
    } catch RequestError.unsupportedModel(let kind, _, let supported)
      where kind.lowercased().contains("autoencoder")
    {
      throw RequestError.mismatch(
        reason:
          "is a whole autoencoder (\(kind)), no tiny decoder, which is \(supported): give it as "
          + "the model's own (vae)", path: path)
    }
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
}
