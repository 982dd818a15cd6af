import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// Text to what the U-Net looks at: tokens, their vectors, and the weights people put on them.
struct PromptEncoder: Sendable {
  let tokenizer: any Tokenizer
  let textEncoder: ModelPart<any TextEncoder, any Error>
  /// Layers of the text encoder.
  let layerCount: Int
  /// The model's folder, for errors.
  let path: String

  /// What became of a prompt and its negative.
  struct Encoding {
    /// `[1, token, feature]`, as many tokens in both.
    var positive: Tensor
    var negative: Tensor
    /// Tokens that did not fit and were cut off.
    var cutTokens: Int
  }

  /// Encodes both prompts to the same length, the shorter filled up with empty text.
  ///
  /// - Throws: ``RequestError/longPrompt(chunks:most:)``, ``RequestError/mismatch(reason:path:)``,
  ///   ``TensorError`` when memory runs out, what reading the text encoder throws.
  func encode(_ request: ImageRequest) throws -> Encoding {
    let positive = PromptChunks(request.prompt, literally: request.literalPrompt, tokenizer)
    let negative = PromptChunks(
      request.negativePrompt, literally: request.literalPrompt, tokenizer)
    let count = max(positive.count, negative.count)
    guard count <= PromptChunks.maximumCount else {
      throw RequestError.longPrompt(chunks: count, most: PromptChunks.maximumCount)
    }
    return Encoding(
      positive: try encode(positive.padded(to: count, tokenizer), request.clipSkip),
      negative: try encode(negative.padded(to: count, tokenizer), 0),
      cutTokens: positive.cutTokens)
  }

  private func encode(_ prompt: PromptChunks, _ clipSkip: Int) throws -> Tensor {
    let textEncoder = try textEncoder()
    let parts = try prompt.chunks.map { chunk in
      if let id = chunk.ids.first(where: { $0 >= textEncoder.vocabularySize }) {
        throw RequestError.mismatch(
          reason: "the tokenizer gives the token \(id) and the text encoder knows "
            + "\(textEncoder.vocabularySize); both must come from one model", path: path)
      }
      return try textEncoder.encode(chunk.ids, skippedLayers: clipSkip).weighted(by: chunk.weights)
    }
    return parts.count == 1 ? parts[0] : try Tensor.concatenated(parts, axis: 1)
  }
}
