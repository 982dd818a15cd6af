/// Cuts text that is written piece by piece before the first of some strings, and holds back what may be the
/// beginning of one.
package struct StopStrings {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []

  /// - Parameter stops: the strings; empty ones stop nothing.
  package init(_ stops: [String]) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
  }

  /// Takes a piece.
  ///
  /// - Parameter piece: the next characters.
  /// - Returns: the text that is certain now, and whether a string was found behind it.
  package mutating func take(_ piece: String) -> (text: String, isStopped: Bool) {
    held += Array(piece.utf8)
    // The first match counts; of two at one place either ends the text there.
    let found = held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
    if let found {
      defer { held = [] }
      return (String(decoding: held[..<found], as: UTF8.self), true)
    }
    let partial = held.indices.first { start in stops.contains { $0.starts(with: held[start...]) } }
    let end = partial ?? held.count
    defer { held.removeFirst(end) }
    return (String(decoding: held[..<end], as: UTF8.self), false)
  }

  /// What was held back, at the end of the text.
  package mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}
