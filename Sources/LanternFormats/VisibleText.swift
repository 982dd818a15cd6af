extension Unicode.Scalar {
  /// Whether a terminal obeys the scalar rather than shows it, or it changes the order or the lines of
  /// the text around it: C0, DEL, C1, Unicode's `Bidi_Control`, and the line and paragraph separators.
  package var isControl: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

extension StringProtocol {
  /// The text with its control characters escaped, as `\u{1B}`: for untrusted text that is shown in a
  /// terminal.
  ///
  /// - Parameter keepingLines: whether line feeds and tabs stay as they are.
  /// - Returns: text without a control character, but for those.
  package func escapingControls(keepingLines: Bool = false) -> String {
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if scalar.isControl, !(keepingLines && (scalar == "\n" || scalar == "\t")) {
        text.append(
          contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      } else {
        text.append(scalar)
      }
    }
    return String(text)
  }
}
