import LanternModels
import LanternPictures
import LanternTensor

/// What a model that edits pictures is given in addition to the latent, and its guidance by two conditions, the picture
/// and the prompt (InstructPix2Pix, Brooks et al. 2022, arXiv:2211.09800, section 3.2.1).
struct PictureEditing {
  /// The picture's latent, as its encoder gives it.
  private let context: Tensor
  /// How closely it is followed.
  private let scale: Float

  /// The editing of a request's picture, with no random number; nil for models that edit none.
  ///
  /// - Throws: what reading and running the codec's encoder throws.
  init?(
    _ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel,
    _ prompt: PromptEncoding
  ) throws {
    guard model.isEditingModel, let picture = request.initialPicture else { return nil }
    guard !prompt.isComposed else {
      throw RequestError.range(
        name: "prompt", found: "of parts with AND",
        allowed: "one without, for a model that edits pictures")
    }
    let pixels = try picture.resized(width: settings.width, height: settings.height).tensor
    context = try model.codec.encode(
      pixels.scaled(by: 2, plus: -1), noise: nil, tiled: request.tiledDecoding)
    scale = settings.imageGuidance
  }

  /// A latent as the model's input: one row with the picture, or, of two for guidance, three: without
  /// both, with the picture, with picture and prompt.
  func withContext(_ latent: Tensor) throws -> Tensor {
    guard latent.shape[0] > 1 else {
      return try Tensor.concatenated([latent, context], axis: 3)
    }
    let row = try latent.sliced(axis: 0, 0..<1).contiguous()
    let none = try Tensor(repeating: 0, shape: context.shape)
    let rows = try [none, context, context].map { try Tensor.concatenated([row, $0], axis: 3) }
    return try Tensor.concatenated(rows, axis: 0)
  }

  /// Predictions as guidance takes them: of three, one that follows the picture alone, as closely as is
  /// wanted, and one that is as far from it as the prompt moves the picture's. Guidance of scale s by
  /// both is u + sᵢ(i − u) + s(t − i) then, the paper's equation 3.
  func combined(_ found: Tensor) throws -> Tensor {
    guard found.shape[0] == 3 else { return found }
    let rows = try (0..<3).map { try found.sliced(axis: 0, $0..<$0 + 1).contiguous() }
    let picture = try rows[0] + (rows[1] - rows[0]) * scale
    return try Tensor.concatenated([picture, picture + (rows[2] - rows[1])], axis: 0)
  }
}
