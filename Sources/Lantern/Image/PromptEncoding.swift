import LanternModels
import LanternTensor
import LanternTokenizers

/// The encodings of a text that may change between steps.
struct ConditioningSchedule {
  /// The different ones; one row each, all of as many tokens.
  var conditionings: [Conditioning]
  /// The texts that they are of.
  let texts: [String]
  /// Up to which evaluation of the denoiser, counted from 0, each is drawn.
  let entries: [(end: Int, index: Int)]

  /// Which of ``conditionings`` an evaluation takes: beyond the last entry the last.
  func index(at evaluation: Int) -> Int {
    (entries.first { evaluation <= $0.end } ?? entries[entries.count - 1]).index
  }

  /// A text that a run of so many evaluations does not reach, and the evaluation that would draw it first.
  func unreached(calls: Int) -> (text: String, call: Int)? {
    let reached = Set((0..<max(calls, 1)).map(index))
    for (position, entry) in entries.enumerated() where !reached.contains(entry.index) {
      return (texts[entry.index], position == 0 ? 0 : entries[position - 1].end + 1)
    }
    return nil
  }
}

/// The encodings of a prompt and its negative prompt.
struct PromptEncoding {
  /// What the prompt is composed of, each with its weight; mostly one of weight 1.
  var parts: [(schedule: ConditioningSchedule, weight: Float)]
  var negative: ConditioningSchedule
  /// Tokens that did not fit and were cut off.
  let cutTokens: Int
  /// Those tokens as text.
  let cutText: String
  /// The pictures next to all texts, in their order.
  private(set) var images: [ImagePrompt] = []

  /// Whether predictions of several prompts, or of one with a weight, are added.
  var isComposed: Bool { parts.count > 1 || parts.contains { $0.weight != 1 } }

  /// What an evaluation takes: an index for each part, and last the negative prompt's.
  func choice(at evaluation: Int) -> [Int] {
    parts.map { $0.schedule.index(at: evaluation) } + [negative.index(at: evaluation)]
  }

  /// The rows of the denoiser's batch for a choice: of a single one that of the prompt; else the negative
  /// prompt's first, as often as there are rows, and then each part's.
  func conditioning(_ choice: [Int], rows: Int) throws -> Conditioning {
    let positive = zip(parts, choice).map { $0.schedule.conditionings[$1] }
    let without = Array(
      repeating: negative.conditionings[choice[parts.count]], count: max(1, rows - parts.count))
    return rows == 1 ? positive[0] : try .joined(without + positive)
  }

  /// A prediction with the prompt of one row for each part, behind the one without: webui's composition.
  ///
  /// - Parameters:
  ///   - found: `[1 + part, height, width, channel]`.
  ///   - isGuided: whether the prediction without the prompt is wanted too.
  /// - Returns: with guidance two rows, without and with; else the latter.
  /// - Throws: `TensorError` for other shapes.
  func composed(_ found: Tensor, isGuided: Bool) throws(TensorError) -> Tensor {
    let without = try found.sliced(axis: 0, 0..<1)
    var with = without
    for (index, part) in parts.enumerated() {
      let change = try found.sliced(axis: 0, index + 1..<index + 2) - without
      with = try with + change * part.weight
    }
    return isGuided ? try Tensor.concatenated([without, with], axis: 0) : with
  }

  /// Sets the strength of guidance, for a denoiser that takes it as an input.
  mutating func set(guidance: Float) {
    func set(_ schedule: inout ConditioningSchedule) {
      for index in schedule.conditionings.indices {
        schedule.conditionings[index].guidance = guidance
      }
    }
    for index in parts.indices { set(&parts[index].schedule) }
    set(&negative)
  }

  /// Which pictures next to the texts count in a step, by its number from 0, of how many.
  func activeImages(in step: Int, of count: Int) -> [Int] {
    images.indices.filter { images[$0].isActive(step, of: count) }
  }

  /// Adds a picture next to all texts: `with` to those of the prompt, `without` to the negative ones.
  mutating func add(_ image: ImagePrompt, _ with: PictureTokens, without: PictureTokens) {
    images.append(image)
    func add(_ picture: PictureTokens, _ schedule: inout ConditioningSchedule) {
      for index in schedule.conditionings.indices {
        schedule.conditionings[index].pictures.append(picture)
      }
    }
    for index in parts.indices { add(with, &parts[index].schedule) }
    add(without, &negative)
  }
}
