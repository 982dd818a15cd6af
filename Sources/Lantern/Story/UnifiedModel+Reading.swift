import LanternPlatform
import LanternFormats
import LanternLayers
import LanternModels
import LanternPictures
import LanternDecoding
import LanternTensor
import LanternTokenizers

/// A segment of a sequence: words with causal attention, or a picture that attends to itself both ways.
enum PastSegment: Sendable, Equatable {
  case text([Int])
  case picture([Int])

  /// Its tokens.
  var count: Int {
    switch self {
    case .text(let ids), .picture(let ids): ids.count
    }
  }
}

extension UnifiedModel {
  /// The tokens of a text that people typed, in which nothing is a control token; capitals as the model
  /// knows them.
  func ids(of text: String) -> [Int] {
    words.encode(defaults.world?.spelled(text) ?? text, readsSpecial: false)
  }

  /// Which words of a text that people typed the model does not know, in a line.
  func note(on text: String, location: String = "") -> String? {
    defaults.world?.note(on: text, model: HubCache.name(of: path), location: location)
  }

  /// Reads a segment into the cache.
  ///
  /// - Returns: the last token's hidden state, `[1, 1, feature]`.
  func read(_ segment: PastSegment, into cache: inout KVCache) throws(TensorError) -> Tensor {
    let hidden: Tensor
    switch segment {
    case .text(let ids): hidden = try transformer.read(ids, into: &cache, mask: .causal)
    case .picture(let block): hidden = try transformer.read(block, into: &cache, mask: .none)
    }
    return try hidden.sliced(axis: 1, hidden.shape[1] - 1..<hidden.shape[1]).contiguous()
  }

  /// The prompt of a picture that is drawn for a caption; unconditional where it is empty.
  func drawingPrompt(_ caption: [Int]) -> [Int] {
    let t = transformer.tokens
    return [t.textToImage, t.endOfText] + caption + [t.endOfText]
  }

  /// Words about a picture.
  ///
  /// - Parameters:
  ///   - picture: of any size; its middle square is read.
  ///   - question: the question; empty for a caption.
  ///   - sampler: how words are chosen; the likeliest where nil.
  ///   - noise: the random numbers.
  ///   - maximum: tokens at most.
  ///   - onText: called with words as they are written; throw to stop.
  /// - Returns: the words.
  /// - Throws: an error of the room where it arose, or what `onText` throws.
  func caption(
    _ picture: Picture, question: String, sampler: TextSampler?, noise: TokenNoise,
    maximum: Int = 100,
    onText: (String) throws -> Void = { _ in }
  ) throws -> String {
    let t = transformer.tokens
    var cache = try makeCache()
    if transformer.shownFeatures > 0 {
      _ = try transformer.read(features: features(of: picture), into: &cache)
    } else {
      _ = try read(.picture([t.understanding] + t.block(codes(of: picture))), into: &cache)
    }
    var hidden = try read(.text([t.endOfText] + ids(of: question)), into: &cache)
    var greedy = TextSampler()
    greedy.temperature = 0
    var text = StreamedText(words)
    for index in 0..<maximum {
      var scores = try transformer.logits(hidden).floats()
      t.allowText(in: &scores, andEnd: true)
      let id = (sampler ?? greedy).choose(scores, past: text.ids, uniform: noise.uniform(index))
      if id == t.endOfText { break }
      if let piece = text.add(id) { try onText(piece) }
      hidden = try read(.text([id]), into: &cache)
    }
    return text.text
  }
}

extension TokenMap {
  /// Masks the logits of all ids but text and, where wanted, the start of a picture or the end.
  func allowText(in scores: inout [Float], andPicture: Bool = false, andEnd: Bool = false) {
    for id in text.upperBound..<scores.count where !(andPicture && id == startOfImage) {
      scores[id] = -.infinity
    }
    if !andEnd { scores[endOfText] = -.infinity }
  }
}
