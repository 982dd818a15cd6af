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
  /// Llama 3's, except that white space at the end of a text is one word: tiktoken's cl100k_base.
  case cl100k
  /// Words by their case: capital letters and then small ones, with a contraction behind; else as Llama 3's, where `/`
  /// may stand behind others as line ends do. Phi-4-mini's, GPT-4o's.
  case gpt4o = "gpt-4o"
  /// GPT-4o's without contractions and with single digits: Mistral's from Nemo on.
  case tekken

  /// The split that llama.cpp's files call so; nil for one that Lantern does not have.
  package init?(named name: String) {
    switch name {
    case "gpt-2", "gpt2", "default", "phi-2", "olmo", "mpt", "jina-es", "jina-de", "gigachat":
      self = .gpt2
    case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b":
      self = .smollm
    case "llama-bpe", "llama3", "llama-v3", "dbrx", "smaug-bpe", "pixtral": self = .llama3
    case "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez": self = .qwen2
    case "gpt-4o", "llama4": self = .gpt4o
    case "tekken": self = .tekken
    default: return nil
    }
  }

  /// Whether a word that is a token is taken whole where llama.cpp's files call the split so.
  static func takesWholeWords(named name: String) -> Bool {
    ["llama-bpe", "llama3", "llama-v3", "pixtral", "tekken"].contains(name)
  }

  /// Regular expressions of splits, as their models' files write them.
  private static let expressions: [String: WordSplit] = {
    let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    func llama3(_ digits: String) -> String {
      contractions
        + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
    func cased(_ ending: String, _ digits: String) -> String {
      let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#, lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
      let first = #"[^\r\n\p{L}\p{N}]?"#
      return "\(first)\(upper)*\(lower)+\(ending)|\(first)\(upper)+\(lower)*\(ending)"
        + #"|\p{N}\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
    return [
      llama3("{1,3}"): .llama3, llama3(""): .qwen2, cased(contractions + "?", "{1,3}"): .gpt4o,
      cased("", ""): .tekken,
      #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    ]
  }()

  /// The split of a regular expression; nil for one that Lantern does not have.
  init?(expression: String) {
    guard let split = Self.expressions[expression] else { return nil }
    self = split
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
    case .cl100k:
      let spaces = (text.lastIndex { ScalarKind($0) != .space } ?? text.startIndex - 1) + 1
      Self.split(text, body) { $1 == spaces ? text.endIndex : Self.llama3Word($0, $1, digits: 3) }
    case .gpt4o:
      Self.split(text, body) { text, position in
        guard let end = Self.casedWord(text, position) else {
          return Self.rest(text, position, digits: 3, behindOthers: ["\r", "\n", "/"])
        }
        return end + (Self.contraction(text, end) ?? 0)
      }
    case .tekken:
      Self.split(text, body) {
        Self.casedWord($0, $1) ?? Self.rest($0, $1, digits: 1, behindOthers: ["\r", "\n", "/"])
      }
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
    if let length = contraction(text, position) { return position + length }
    let scalar = text[position]
    let kind = ScalarKind(scalar)
    if kind == .letter { return end(of: text, from: position) { ScalarKind($0) == .letter } }
    let next = position + 1 < text.endIndex ? ScalarKind(text[position + 1]) : nil
    if kind != .number, scalar != "\r", scalar != "\n", next == .letter {
      return end(of: text, from: position + 1) { ScalarKind($0) == .letter }
    }
    return rest(text, position, digits: digits, behindOthers: ["\r", "\n"])
  }

  /// The end of a word of GPT-4o's that begins with letters or marks, which another character may stand before; nil
  /// where there is none. The alternatives of the expression in their order, with what it goes back on.
  private static func casedWord(_ text: ArraySlice<Unicode.Scalar>, _ position: Int) -> Int? {
    let kind = ScalarKind(text[position])
    let isPrefix =
      kind != .letter && kind != .number && text[position] != "\r" && text[position] != "\n"
    let starts = isPrefix ? [position + 1, position] : [position]
    for start in starts {
      let upper = end(of: text, from: start) { LetterCase($0).isUpper }
      let lower = end(of: text, from: upper) { LetterCase($0).isLower }
      if lower > upper { return lower }
      // Capital letters have nothing small behind: the last that counts as both ends the word.
      if let last = text[start..<upper].lastIndex(where: { LetterCase($0).isLower }) {
        return last + 1
      }
    }
    for start in starts {
      let upper = end(of: text, from: start) { LetterCase($0).isUpper }
      if upper > start { return end(of: text, from: upper) { LetterCase($0).isLower } }
    }
    return nil
  }

  /// The end of digits, others or white space.
  private static func rest(
    _ text: ArraySlice<Unicode.Scalar>, _ position: Int, digits: Int,
    behindOthers: Set<Unicode.Scalar>
  ) -> Int {
    let scalar = text[position]
    if ScalarKind(scalar) == .number {
      return min(end(of: text, from: position) { ScalarKind($0) == .number }, position + digits)
    }
    let next = position + 1 < text.endIndex ? ScalarKind(text[position + 1]) : nil
    let start = scalar == " " && next == .other ? position + 1 : position
    if ScalarKind(text[start]) == .other {
      let others = end(of: text, from: start) { ScalarKind($0) == .other }
      return end(of: text, from: others) { behindOthers.contains($0) }
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

  /// The length of the contraction at a position, in any case; nil where there is none.
  private static func contraction(_ text: ArraySlice<Unicode.Scalar>, _ position: Int) -> Int? {
    guard position < text.endIndex, text[position] == "'" else { return nil }
    return contractions.first { isContraction($0, text, position) }?.count
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

/// Which of the two classes of letters of GPT-4o's words a character is in; letters without case and marks are in both.
private struct LetterCase {
  let isUpper: Bool
  let isLower: Bool

  init(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "a"..."z": (isUpper, isLower) = (false, true)
    case "A"..."Z": (isUpper, isLower) = (true, false)
    case _ where scalar.isASCII || scalar.isNewer(than: 16): (isUpper, isLower) = (false, false)
    default:
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .titlecaseLetter: (isUpper, isLower) = (true, false)
      case .lowercaseLetter: (isUpper, isLower) = (false, true)
      case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark:
        (isUpper, isLower) = (true, true)
      default: (isUpper, isLower) = (false, false)
      }
    }
  }
}
