import LanternFormats
import LanternModels
import LanternPictures
import LanternPlatform
import LanternTensor

extension ImageModel {
  /// Puts pictures next to both sides of a prompt: with it the pictures, without it their absence, which is no
  /// embedding, or the states of a grey picture.
  ///
  /// - Parameters:
  ///   - all: the pictures.
  ///   - prompt: both sides.
  ///   - width: of what is drawn, in pixels.
  ///   - height: of what is drawn, in pixels.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  func addImagePrompts(
    _ all: [ImagePrompt], to prompt: inout PromptEncoding, width: Int, height: Int
  ) throws {
    for image in all where image.scale != 0 {
      guard let picture = image.picture else { continue }
      let adapter = try ipAdapter(image.adapter)
      let encoder = try imageEncoder(for: adapter, image)
      let shown = try picture.croppedForCLIP(encoder.imageSize).tensor
      let pixels = try encoder.normalized(shown)
      let (with, without): (Tensor, Tensor)
      if adapter.takesStates {
        with = try encoder.states(of: pixels)
        // As diffusers has it: zeros behind the normalisation, the mean of CLIP's pictures.
        without = try encoder.states(of: Tensor(repeating: 0, shape: pixels.shape))
      } else {
        with = try encoder.embedding(of: pixels)
        without = try Tensor(repeating: 0, shape: with.shape)
      }
      let mask = try image.mask.map { try masks($0, width: width, height: height) }
      func tokens(_ features: Tensor) throws -> PictureTokens {
        PictureTokens(
          adapter, tokens: try adapter.tokens(of: features), scale: image.scale, mask: mask)
      }
      prompt.add(image, try tokens(with), without: try tokens(without))
    }
  }

  /// A mask at each size that the latent has on the way down, `[position, 1]` by the number of positions:
  /// diffusers' `IPAdapterMaskProcessor`.
  private func masks(_ mask: Mask, width: Int, height: Int) throws -> [Int: Tensor] {
    let whole = try mask.resized(width: width, height: height).binarized.tensor
    var masks: [Int: Tensor] = [:]
    var (rows, columns) = (height / codec.downsampling, width / codec.downsampling)
    while masks[rows * columns] == nil {
      masks[rows * columns] = try Interpolation(.bicubic).resized(
        whole, height: rows, width: columns
      ).reshaped([rows * columns, 1])
      (rows, columns) = ((rows + 1) / 2, (columns + 1) / 2)
    }
    return masks
  }

  /// An IP-Adapter, loaded now if it is not cached.
  private func ipAdapter(_ path: String) throws -> any ImagePromptAdapter {
    try ipAdapters(path) {
      guard !FileSystem.isDirectory(path) else {
        throw FormatError.missingFile(
          path: path, remedy: "an IP-Adapter is a file; name the one in this folder that is meant")
      }
      let adapter = try AddOn.load(path, [:], ModelCatalogue.ipAdapters, precision)
      let wanted = try denoiser().crossAttentionChannels
      guard adapter.attentionChannels == wanted else {
        throw RequestError.mismatch(
          reason:
            "this IP-Adapter is for \(adapter.attentionChannels.count) attentions of up to "
            + "\(adapter.attentionChannels.max() ?? 0) channels, and the model's denoiser has "
            + "\(wanted.count) of up to \(wanted.max() ?? 0); take one that was trained for its kind "
            + "(Stable Diffusion 1 or XL)", path: path)
      }
      return adapter
    }
  }

  /// The vision encoder before an adapter: the one that is named, or the first that fits of those where they
  /// usually are.
  private func imageEncoder(for adapter: any ImagePromptAdapter, _ image: ImagePrompt) throws
    -> any ImageEncoder
  {
    let folder = FileSystem.split(image.adapter).folder
    let usual = [path, folder, FileSystem.join(folder, "../models")].map {
      FileSystem.join($0, "image_encoder")
    }
    let named = try HubCache.standard.located(image.encoder)
    let paths = named.map { [$0] } ?? usual.filter(FileSystem.isDirectory)
    let what = adapter.takesStates ? "hidden states" : "embeddings"
    var misfit: String?
    for path in paths {
      let encoder = try imageEncoders(path) {
        try AddOn.load(
          path, ModelCatalogue.imageEncoders, ModelCatalogue.imageEncoderFiles, precision)
      }
      let found = adapter.takesStates ? encoder.stateFeatures : encoder.embeddingFeatures
      if found == adapter.inputs { return encoder }
      misfit = "\(what) of \(adapter.inputs) features, and those of \(path) have \(found)"
    }
    if let misfit {
      throw RequestError.mismatch(
        reason: "this IP-Adapter takes \(misfit); name the image encoder that it was trained with",
        path: image.adapter)
    }
    throw FormatError.missingFile(
      path: FileSystem.join(folder, "image_encoder"),
      remedy: "name the IP-Adapter's image encoder, CLIP's for vision, as a folder or a file")
  }
}
