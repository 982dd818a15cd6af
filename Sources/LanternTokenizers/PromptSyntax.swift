/// Unsupported prompt syntax of other programs, which would be read as words without a note.
package struct PromptSyntax: Sendable, Equatable {
  /// An extra network of stable-diffusion-webui: `<lora:name:strength>`, which is not part of the text.
  package struct Tag: Sendable, Equatable {
    /// `lora`, `lyco` or `hypernet`.
    package let kind: String
    /// The name of the network.
    package let name: String
    /// The arguments after the name, separated by colons.
    package let arguments: String
    /// The whole tag.
    package let text: String
  }

  /// Kinds of unsupported syntax, each with its note.
  package enum Kind: String, Sendable, CaseIterable {
    case schedule = "is read as plain words: the prompt does not change between steps"
    case alternation = "is read as plain words: the prompt does not alternate between steps"
    case choice = "is read as plain words: choose one of them"
    case wildcard = "is read as plain words: write out what it stands for"
    case composition = "is read as a plain word: the prompt is not composed of several"
    case embedding = "is read as plain words: no embedding of this name was added"
    case compel = "is read as plain words: weights are written as (word:1.1)"
    case weight = "is read as plain words: words are not weighed here"
    case tag = "is read as plain words: tags of this kind are not built"
    case option = "is read as plain words: options stand outside of the prompt"
  }

  /// Unsupported syntax of one kind in a prompt.
  package struct Finding: Sendable, Equatable {
    package let kind: Kind
    /// The first of its kind in the prompt.
    package let example: String
    /// Number of occurrences.
    package var count: Int
  }

  /// The extra networks, in order.
  package let tags: [Tag]
  /// Other unsupported syntax, by kind, in the order of ``Kind``.
  package let findings: [Finding]

  /// Scans a prompt, in linear time.
  ///
  /// - Parameters:
  ///   - prompt: the prompt; where ``PromptSchedule`` and ``ComposedPrompt`` read it, the words that they leave.
  ///   - readsWeights: whether `(word:1.3)` and extra networks are supported.
  package init(_ prompt: String, readsWeights: Bool = true) {
    let (rest, tags) = readsWeights ? Self.withoutTags(prompt) : (prompt, [])
    self.tags = tags
    var scanner = SyntaxScanner(Array(rest.utf8), readsWeights: readsWeights)
    findings = scanner.findings()
  }

  /// A note for each kind of unsupported syntax.
  ///
  /// - Parameter name: the name of the prompt, as "prompt".
  /// - Returns: the lines.
  package func notes(on name: String) -> [String] {
    findings.map { finding in
      let others = finding.count == 1 ? "" : " (and \(finding.count - 1) more like it)"
      return "\(finding.example)\(others) in the \(name) \(finding.kind.rawValue)"
    }
  }

  /// A text for a message: shortened, without control characters.
  package static func shown(_ text: String) -> String {
    let limit = 48
    let plain = text.unicodeScalars.prefix(limit).map {
      $0.properties.generalCategory == .control ? " " : $0
    }
    return String(String.UnicodeScalarView(plain))
      + (text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
  }

  /// A prompt without its extra networks, and the extra networks, as in webui.
  package static func withoutTags(_ prompt: String) -> (prompt: String, tags: [Tag]) {
    let bytes = Array(prompt.utf8)
    guard bytes.contains(UInt8(ascii: "<")) else { return (prompt, []) }
    var rest: [UInt8] = []
    var tags: [Tag] = []
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "<") else {
        rest.append(bytes[position])
        position += 1
        continue
      }
      // A tag that is not closed is text, and so is all after it.
      guard let kind = kind(bytes[position...]) else {
        rest.append(bytes[position])
        position += 1
        continue
      }
      guard let end = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else {
        rest += bytes[position...]
        break
      }
      let inner = bytes[(position + kind.utf8.count + 2)..<end]
      let colon = inner.firstIndex(of: UInt8(ascii: ":")) ?? end
      let name = String(decoding: inner[..<colon], as: UTF8.self)
      if name.isEmpty {
        rest += bytes[position...end]
      } else {
        tags.append(
          Tag(
            kind: kind, name: name,
            arguments: String(decoding: inner[colon...].dropFirst(), as: UTF8.self),
            text: String(decoding: bytes[position...end], as: UTF8.self)))
      }
      position = end + 1
    }
    return tags.isEmpty ? (prompt, []) : (String(decoding: rest, as: UTF8.self), tags)
  }

  /// The kind of tag that begins here.
  private static func kind(_ bytes: ArraySlice<UInt8>) -> String? {
    ["lora", "lyco", "hypernet"].first { bytes.dropFirst().starts(with: "\($0):".utf8) }
  }
}

/// A scanner of unsupported syntax, with a stack of open brackets.
private struct SyntaxScanner {
  /// An open bracket.
  private struct Bracket {
    let sign: UInt8
    let start: Int
    var hasBar = false
    var lastColon: Int?
  }

  private let bytes: [UInt8]
  private let readsWeights: Bool
  private var found: [PromptSyntax.Kind: PromptSyntax.Finding] = [:]
  private var open: [Bracket] = []

  init(_ bytes: [UInt8], readsWeights: Bool) {
    self.bytes = bytes
    self.readsWeights = readsWeights
  }

  mutating func findings() -> [PromptSyntax.Finding] {
    brackets()
    tags()
    words()
    return PromptSyntax.Kind.allCases.compactMap { found[$0] }
  }

  private mutating func note(_ kind: PromptSyntax.Kind, _ range: Range<Int>) {
    if found[kind] != nil {
      found[kind]?.count += 1
    } else {
      found[kind] = PromptSyntax.Finding(kind: kind, example: example(range), count: 1)
    }
  }

  private func example(_ range: Range<Int>) -> String {
    // Enough bytes for the excerpt.
    PromptSyntax.shown(String(decoding: bytes[range.prefix(256)], as: UTF8.self))
  }

  private mutating func brackets() {
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "("):
        open.append(Bracket(sign: byte, start: position))
      case UInt8(ascii: "|"): if let last = open.indices.last { open[last].hasBar = true }
      case UInt8(ascii: ":"): if let last = open.indices.last { open[last].lastColon = position }
      case UInt8(ascii: "]"): close(UInt8(ascii: "["), at: position)
      case UInt8(ascii: "}"): close(UInt8(ascii: "{"), at: position)
      case UInt8(ascii: ")"): close(UInt8(ascii: "("), at: position)
      default: break
      }
      position += 1
    }
  }

  private mutating func close(_ sign: UInt8, at end: Int) {
    guard let last = open.last, last.sign == sign else { return }
    open.removeLast()
    let range = last.start..<end + 1
    let number = last.lastColon.map { isNumber(bytes[($0 + 1)..<end]) } ?? false
    switch sign {
    case UInt8(ascii: "["):
      if last.hasBar { note(.alternation, range) } else if number { note(.schedule, range) }
    case UInt8(ascii: "{"): if last.hasBar { note(.choice, range) }
    default:
      if number, !readsWeights { note(.weight, range) }
      let after = bytes[(end + 1)...]
      let isCompel = ["++", "--", ".and(", ".blend(", ".swap("].contains {
        after.starts(with: $0.utf8)
      }
      if isCompel { note(.compel, last.start..<min(end + 3, bytes.count)) }
    }
  }

  /// Whether a text is a number, with optional space around it.
  private func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.count <= 24 else { return false }
    let inner = text.split(separator: UInt8(ascii: " "))
    guard inner.count == 1 else { return false }
    return Double(String(decoding: inner[0], as: UTF8.self))?.isFinite == true
  }

  /// Tags as SwarmUI has them: `<random:a,b>`, `<fromto[0.5]:a,b>`.
  private mutating func tags() {
    var start: Int?
    var hasColon = false
    for (position, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "<"): (start, hasColon) = (position, false)
      case UInt8(ascii: ":"): hasColon = hasColon || start.map { position > $0 + 1 } ?? false
      case UInt8(ascii: ">"):
        if let begin = start, hasColon, Self.isLetter(bytes[begin + 1]) {
          note(.tag, begin..<position + 1)
        }
        start = nil
      default: break
      }
    }
  }

  /// Syntax of single words: AND, `__name__`, `embedding:name`, `word++`, `--ar`.
  private mutating func words() {
    var before: Range<Int>?
    var composition: Range<Int>?
    var position = 0
    while position < bytes.count {
      guard !Self.isSpace(bytes[position]) else {
        position += 1
        continue
      }
      let end = bytes[position...].firstIndex { Self.isSpace($0) } ?? bytes.count
      let word = position..<end
      if let conjunction = composition {
        // Among words in capitals AND is a word.
        if !(before.map(isCapital) ?? false && isCapital(word)) { note(.composition, conjunction) }
        composition = nil
      }
      if bytes[word].elementsEqual("AND".utf8) {
        if before != nil { composition = word }
      } else {
        look(at: word)
        before = word
      }
      position = end
    }
  }

  private func isCapital(_ word: Range<Int>) -> Bool {
    let letters = bytes[word].filter(Self.isLetter)
    return !letters.isEmpty && letters.allSatisfy { $0 < UInt8(ascii: "a") }
  }

  private static let options: Set<String> = [
    "--ar", "--aspect", "--c", "--chaos", "--iw", "--niji", "--no", "--q", "--quality", "--s",
    "--seed", "--stop", "--style", "--stylize", "--tile", "--v", "--version", "--weird",
  ]

  /// Names that end in two pluses without being weights.
  private static let plusNames: Set<String> = ["c++", "g++", "notepad++", "clang++", "libc++"]

  private mutating func look(at word: Range<Int>) {
    let inner = trimmed(word)
    guard inner.count > 2 else { return }
    let text = bytes[inner]
    if inner.count <= 12, Self.options.contains(String(decoding: text, as: UTF8.self)) {
      note(.option, inner)
    }
    let isName = text.allSatisfy {
      Self.isLetter($0) || Self.isDigit($0) || "_*/-".utf8.contains($0)
    }
    if isName, text.starts(with: "__".utf8), text.suffix(2).elementsEqual("__".utf8),
      text.contains(where: { $0 != UInt8(ascii: "_") }), inner.count > 4
    {
      note(.wildcard, inner)
    }
    let mark = "embedding:".utf8
    if inner.count > mark.count,
      String(decoding: text.prefix(mark.count), as: UTF8.self).lowercased() == "embedding:"
    {
      note(.embedding, inner)
    }
    if text.suffix(2).elementsEqual("++".utf8), inner.count > 4,
      Self.isLetter(bytes[inner.upperBound - 3]),
      inner.count > 12
        || !Self.plusNames.contains(String(decoding: text, as: UTF8.self).lowercased())
    {
      note(.compel, inner)
    }
  }

  /// A word without punctuation and brackets around it.
  private func trimmed(_ word: Range<Int>) -> Range<Int> {
    let edges = ",.;!?()[]{}\"'".utf8
    var (start, end) = (word.lowerBound, word.upperBound)
    while start < end, edges.contains(bytes[start]) { start += 1 }
    while start < end, edges.contains(bytes[end - 1]) { end -= 1 }
    return start..<end
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
