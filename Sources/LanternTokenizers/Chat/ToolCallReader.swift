import LanternFormats

/// Divides an answer, as it is written, into text and calls of tools.
package struct ToolCallReader: Sendable {
  /// A part of the answer.
  package enum Piece: Sendable, Equatable {
    case text(String)
    case call(ToolCall)
  }

  private enum Place { case start, text, call }

  private let form: ToolCallForm
  private var place = Place.start
  /// What may yet be part of a call, or of white space before one.
  private var held: [UInt8] = []
  private var hasCalls = false

  package init(_ form: ToolCallForm) { self.form = form }

  /// Divides a whole answer.
  package static func pieces(of text: String, _ form: ToolCallForm) -> [Piece] {
    var reader = ToolCallReader(form)
    return reader.add(text) + reader.finish()
  }

  /// What a call begins with, and ends with where that is known before the answer's end.
  private var marks: (begin: [UInt8], end: [UInt8]?) {
    switch form {
    case .tags: (Array("<tool_call>".utf8), Array("</tool_call>".utf8))
    case .list: (Array("[TOOL_CALLS]".utf8), nil)
    case .object: (Array("{".utf8), nil)
    }
  }

  /// Takes more of the answer.
  ///
  /// - Parameter text: what was written.
  /// - Returns: what is known by now.
  package mutating func add(_ text: String) -> [Piece] {
    held += text.utf8
    var pieces: [Piece] = []
    while let piece = next() { pieces.append(piece) }
    return pieces
  }

  /// Ends the answer.
  ///
  /// - Returns: the rest of it.
  package mutating func finish() -> [Piece] {
    defer { (held, place) = ([], .start) }
    guard place == .call else {
      let isSpace = held.allSatisfy(Self.isSpace)
      return held.isEmpty || isSpace && hasCalls ? [] : [.text(Self.string(held))]
    }
    let body = form == .object ? marks.begin + held : held
    if let calls = calls(body) { return calls.map(Piece.call) }
    return [.text(Self.string(marks.begin + held))]
  }

  /// The next piece that is whole; nil where more has to come.
  private mutating func next() -> Piece? {
    let (begin, end) = marks
    if place == .call { return end.flatMap { nextCall(before: $0) } }
    // A call that has no mark but its brace is the whole answer.
    let mayFollowText = form != .object
    if mayFollowText || place == .start, let range = held.firstRange(of: begin) {
      let before = Array(held[..<range.lowerBound])
      let isSpace = before.allSatisfy(Self.isSpace)
      if mayFollowText || isSpace {
        held.removeSubrange(..<range.upperBound)
        place = .call
        return isSpace ? next() : .text(Self.string(Array(before[..<Self.trimmedEnd(before[...])])))
      }
    }
    guard !held.allSatisfy(Self.isSpace) else { return nil }
    let safe = mayFollowText ? safeEnd(before: begin) : held.endIndex
    guard safe > 0 else { return nil }
    defer { held.removeSubrange(..<safe) }
    place = .text
    return .text(Self.string(Array(held[..<safe])))
  }

  /// The call before the first of some marks that is not within its texts.
  private mutating func nextCall(before mark: [UInt8]) -> Piece? {
    for range in held.ranges(of: mark) {
      guard let call = calls(Array(held[..<range.lowerBound]))?.first else { continue }
      held.removeSubrange(..<range.upperBound)
      place = .text
      return .call(call)
    }
    return nil
  }

  /// Where what is held may yet be white space and the beginning of a mark.
  private func safeEnd(before mark: [UInt8]) -> Int {
    var end = held.count
    for length in (1..<mark.count).reversed() where held.suffix(length) == mark.prefix(length) {
      end -= length
      break
    }
    return Self.trimmedEnd(held[..<end])
  }

  /// Where white space at the end of bytes begins.
  private static func trimmedEnd(_ bytes: ArraySlice<UInt8>) -> Int {
    (bytes.lastIndex { !isSpace($0) } ?? bytes.startIndex - 1) + 1
  }

  /// The calls of a body; nil where it is none.
  private mutating func calls(_ body: [UInt8]) -> [ToolCall]? {
    guard let value = try? JSON.parse(text: Self.string(body), file: "a call") else { return nil }
    let values = form == .list ? value.array ?? [value] : [value]
    let calls = values.compactMap(form.call)
    guard !calls.isEmpty, calls.count == values.count else { return nil }
    hasCalls = true
    return calls
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
