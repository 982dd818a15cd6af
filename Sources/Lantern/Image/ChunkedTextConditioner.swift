import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// One text encoder, which reads prompts of any length chunk by chunk.
struct ChunkedTextConditioner: TextConditioner {
  private let tokenizer: any Tokenizer
  private let textEncoder: ModelPart<any TextEncoder, any Error>
  let features: Int
  let layerCount: Int
  /// The model's folder, for errors.
  private let path: String

  /// Loads the parts `tokenizer` and `text_encoder`.
  init(_ reader: PartReader) throws {
    let tokenizer = try reader.folder.loadTokenizer()
    textEncoder = ModelPart {
      try reader.read(
        "text_encoder", stems: ["model", "pytorch_model"], ModelCatalogue.textEncoders,
        reader.precision.ofSmallParts)
    }
    let encoder = try textEncoder()
    (self.tokenizer, features, layerCount) = (tokenizer, encoder.features, encoder.layerCount)
    path = reader.folder.path
    guard tokenizer.window.length <= encoder.maximumLength else {
      throw RequestError.mismatch(
        reason: "the tokenizer makes \(tokenizer.window.length) tokens and the text encoder takes "
          + "\(encoder.maximumLength); both must come from one model", path: path)
    }
  }

  var notes: [String] { tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() { textEncoder.release() }

  /// Encodes both prompts, the shorter filled up with empty text.
  func encode(_ request: ImageRequest) throws -> PromptEncoding {
    let positive = PromptChunks(request.prompt, literally: request.literalPrompt, tokenizer)
    let negative = PromptChunks(
      request.negativePrompt, literally: request.literalPrompt, tokenizer)
    let count = max(positive.count, negative.count)
    guard count <= PromptChunks.maximumCount else {
      throw RequestError.longPrompt(chunks: count, most: PromptChunks.maximumCount)
    }
    return PromptEncoding(
      positive: try encode(positive.padded(to: count, tokenizer.window), request.clipSkip),
      negative: try encode(negative.padded(to: count, tokenizer.window), 0),
      cutTokens: positive.cutTokens.count,
      cutText: String(decoding: tokenizer.decode(positive.cutTokens), as: UTF8.self))
  }

  private func encode(_ prompt: PromptChunks, _ clipSkip: Int) throws -> Conditioning {
    let textEncoder = try textEncoder()
    let parts = try prompt.chunks.map { chunk in
      if let id = chunk.ids.first(where: { $0 >= textEncoder.vocabularySize }) {
        throw RequestError.mismatch(
          reason: "the tokenizer gives the token \(id) and the text encoder knows "
            + "\(textEncoder.vocabularySize); both must come from one model", path: path)
      }
      return try textEncoder.encode(chunk.ids, skippedLayers: clipSkip).weighted(by: chunk.weights)
    }
    return Conditioning(
      states: parts.count == 1 ? parts[0] : try Tensor.concatenated(parts, axis: 1))
  }
}
