import LanternLayers
import LanternModels
import LanternPictures
import LanternDecoding
import LanternTensor

/// A decoder of a page's picture, called where the story opens it: the protocol of all kinds of them.
protocol Illustrator: Sendable {
  /// Draws a picture.
  ///
  /// - Parameters:
  ///   - past: the KV cache of the tokens before the picture; left as it is.
  ///   - noise: the picture's own random numbers.
  ///   - onStep: called after each step, with a preview on demand; throw to stop.
  /// - Returns: the picture, and its codes for the story to go on from.
  /// - Throws: an error of the room where it arose, or what `onStep` throws.
  func draw(
    after past: inout KVCache, noise: TokenNoise, onStep: (DraftStep) throws -> Void
  ) throws -> Illustration
}

/// A picture, and how the transformer reads it.
struct Illustration {
  let picture: Picture
  let codes: [Int]
  var caption: String?
}

/// The state after a step of a page's picture.
struct DraftStep {
  let number: Int
  let count: Int
  let preview: () throws -> Picture?
}

/// The transformer's own way: masked codes filled in step by step (Show-o).
struct MaskedIllustrator: Illustrator {
  let model: UnifiedModel
  let decoder: MaskedImageDecoder
  /// The tokens before the picture where they are read again in every step, to measure what the KV cache saves.
  var past: [PastSegment]?

  func draw(
    after past: inout KVCache, noise: TokenNoise, onStep: (DraftStep) throws -> Void
  ) throws -> Illustration {
    let start = [Int?](repeating: nil, count: model.side * model.side)
    let codes = try fill(start, after: &past, noise: noise, onStep: onStep)
    return Illustration(picture: try model.picture(codes), codes: codes)
  }

  /// Fills in the codes that are nil.
  func fill(
    _ start: [Int?], after past: inout KVCache, noise: TokenNoise,
    onStep: (DraftStep) throws -> Void
  ) throws -> [Int] {
    let transformer = model.transformer
    let isGuided = decoder.guidance > 0
    var nothing = try transformer.makeCache(capacity: start.count + 8)
    if isGuided {
      _ = try transformer.read(model.drawingPrompt([]), into: &nothing, mask: .causal)
    }
    return try decoder.fill(start) { codes, masked in
      let block = transformer.tokens.block(codes)
      func read(after past: inout KVCache) throws -> Tensor {
        try isGuided
          ? transformer.read(draft: block, after: &past, and: &nothing)
          : transformer.read(block, into: &past, mask: .none, keeping: false)
      }
      let hidden: Tensor
      if let segments = self.past {
        var again = try transformer.makeCache()
        for segment in segments { _ = try model.read(segment, into: &again) }
        hidden = try read(after: &again)
      } else {
        hidden = try read(after: &past)
      }
      // After the block's first token; logits of known codes are not needed.
      let rows = masked.map { $0 + 1 } + (isGuided ? masked.map { block.count + $0 + 1 } : [])
      let scores = try transformer.codeLogits(
        hidden.reshaped([hidden.shape[1], hidden.shape[2]]).rows(rows))
      guard scores.isFiniteEverywhere else {
        throw RequestError.notFinite(what: "a picture's score", step: nil)
      }
      let count = masked.count
      return (
        try scores.sliced(axis: 0, 0..<count),
        isGuided ? try scores.sliced(axis: 0, count..<2 * count) : nil
      )
    } uniforms: { draw in
      noise[draw].uniforms(start.count)
    } onStep: { step in
      try onStep(
        DraftStep(number: step.index + 1, count: step.count) { try model.picture(step.codes) })
    }
  }
}

/// The second way: the transformer drafts the picture and says in a caption what it shows, and a
/// latent-diffusion model draws that.
struct DiffusionIllustrator: Illustrator {
  let draft: MaskedIllustrator
  let generator: ImageGenerator
  let seed: UInt64

  func draw(
    after past: inout KVCache, noise: TokenNoise, onStep: (DraftStep) throws -> Void
  ) throws -> Illustration {
    let model = draft.model
    let drafted = try draft.draw(after: &past, noise: noise) { _ in }
    let caption = try model.caption(drafted.picture, question: "", sampler: nil, noise: noise)
    var request = ImageRequest(prompt: caption)
    request.literalPrompt = true
    request.seed = seed &+ UInt64(noise.uniform(0) * 1e6)
    let image = try generator.draw(request) { step in
      try onStep(
        DraftStep(number: step.number, count: step.count) { try step.preview(every: step.number) })
    }
    var picture = image.picture
    picture.notes = image.notes
    return Illustration(picture: picture, codes: try model.codes(of: picture), caption: caption)
  }
}
