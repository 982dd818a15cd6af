/// A pre-tokenizer of byte-level tokenizers: how text is cut into the words whose bytes are merged.
///
/// Each is a regular expression of its model's `tokenizer.json`, matched by hand; llama.cpp's files name them in
/// `tokenizer.ggml.pre`.
package enum WordSplit: String, Sendable, CaseIterable {
  /// GPT-2's: contractions as `'s`; runs of letters, of numbers, or of anything else, each with a leading
  /// space; white space, the last character of which belongs to the next word.
  case gpt2 = "gpt-2"
  /// Single digits, and GPT-2's of what is between.
  case smollm
  /// Llama 3's: contractions in any case; letters with one character before them that is neither letter nor
  /// digit; up to three digits; others with a leading space and the line ends behind; white space.
  case llama3 = "llama-bpe"
  /// Llama 3's with single digits.
  case qwen2

  /// The split that llama.cpp's files call so; nil for one that Lantern does not have.
  package init?(named name: String) {
    switch name {
    case "gpt-2", "gpt2", "default", "phi-2", "olmo", "mpt", "jina-es", "jina-de", "gigachat":
      self = .gpt2
    case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b":
      self = .smollm
    case "llama-bpe", "llama3", "llama-v3", "dbrx", "smaug-bpe", "pixtral": self = .llama3
    case "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez": self = .qwen2
    default: return nil
    }
  }

  /// Calls `body` for each word of a text, in order.
  func forEachWord(in text: ArraySlice<Unicode.Scalar>, _ body: (Range<Int>) -> Void) {
    switch self {
    case .gpt2: Self.split(text, body, Self.gpt2Word)
    case .smollm:
      var rest = text
      while let digit = rest.firstIndex(where: { ScalarKind($0) == .number }) {
        Self.split(rest[..<digit], body, Self.gpt2Word)
        body(digit..<digit + 1)
        rest = rest[(digit + 1)...]
      }
      Self.split(rest, body, Self.gpt2Word)
    case .llama3: Self.split(text, body) { Self.llama3Word($0, $1, digits: 3) }
    case .qwen2: Self.split(text, body) { Self.llama3Word($0, $1, digits: 1) }
    }
  }

  /// Cuts a text at the ends that `end` gives for the beginnings of words.
  private static func split(
    _ text: ArraySlice<Unicode.Scalar>, _ body: (Range<Int>) -> Void,
    _ end: (ArraySlice<Unicode.Scalar>, Int) -> Int
  ) {
    var position = text.startIndex
    while position < text.endIndex {
      let next = max(end(text, position), position + 1)
      body(position..<next)
      position = next
    }
  }

  private static func gpt2Word(_ text: ArraySlice<Unicode.Scalar>, _ position: Int) -> Int {
    if let ending = contractions.first(where: { text[position...].starts(with: $0) }) {
      return position + ending.count
    }
    // A run that is not white space may have one leading space.
    let hasSpace = text[position] == " " && position + 1 < text.endIndex
    let start = hasSpace ? position + 1 : position
    let kind = ScalarKind(text[start])
    guard kind == .space else {
      return end(of: text, from: start) { ScalarKind($0) == kind }
    }
    return spaceEnd(text, position)
  }

  private static func llama3Word(
    _ text: ArraySlice<Unicode.Scalar>, _ position: Int, digits: Int
  ) -> Int {
    if let ending = contractions.first(where: { isContraction($0, text, position) }) {
      return position + ending.count
    }
    let scalar = text[position]
    let kind = ScalarKind(scalar)
    if kind == .letter { return end(of: text, from: position) { ScalarKind($0) == .letter } }
    let next = position + 1 < text.endIndex ? ScalarKind(text[position + 1]) : nil
    if kind != .number, scalar != "\r", scalar != "\n", next == .letter {
      return end(of: text, from: position + 1) { ScalarKind($0) == .letter }
    }
    if kind == .number {
      return min(end(of: text, from: position) { ScalarKind($0) == .number }, position + digits)
    }
    let start = scalar == " " && next == .other ? position + 1 : position
    if ScalarKind(text[start]) == .other {
      let others = end(of: text, from: start) { ScalarKind($0) == .other }
      return end(of: text, from: others) { $0 == "\r" || $0 == "\n" }
    }
    // White space up to the last line end in it, or but for its last character before a word.
    let end = end(of: text, from: position) { ScalarKind($0) == .space }
    if let line = text[position..<end].lastIndex(where: { $0 == "\r" || $0 == "\n" }) {
      return line + 1
    }
    return spaceEnd(text, position)
  }

  /// The end of a run of white space that leaves its last character to a word behind it.
  private static func spaceEnd(_ text: ArraySlice<Unicode.Scalar>, _ position: Int) -> Int {
    let end = end(of: text, from: position) { ScalarKind($0) == .space }
    return end < text.endIndex && end - position > 1 ? end - 1 : end
  }

  private static func end(
    of text: ArraySlice<Unicode.Scalar>, from start: Int, _ belongs: (Unicode.Scalar) -> Bool
  ) -> Int {
    text[start...].firstIndex { !belongs($0) } ?? text.endIndex
  }

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
    Array($0.unicodeScalars)
  }

  /// Whether one of ``contractions`` is here, in any case: U+017F counts as an s.
  private static func isContraction(
    _ ending: [Unicode.Scalar], _ text: ArraySlice<Unicode.Scalar>, _ position: Int
  ) -> Bool {
    text[position...].prefix(ending.count).count == ending.count
      && zip(text[position...], ending).allSatisfy { found, wanted in
        found == wanted || found.properties.lowercaseMapping == String(wanted)
          || wanted == "s" && found == "\u{17F}"
      }
  }
}
