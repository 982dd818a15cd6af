/// Text that becomes part of a web page.
package enum HTMLText {
  /// A page that stands for itself: it may load nothing but the pictures in it, and run nothing.
  package static func page(
    title: String, style: String, body: String, language: String = "en", playsAudio: Bool = false
  ) -> String {
    """
    <!DOCTYPE html>
    <html lang="\(language)">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="\(policy(playsAudio))">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(quoted(title))</title>
    <style>
    \(style)
    </style>
    </head>
    <body>
    \(body)
    </body>
    </html>

    """
  }

  /// Content Security Policy, level 3 (W3C).
  private static func policy(_ playsAudio: Bool) -> String {
    "default-src 'none'; img-src data:; \(playsAudio ? "media-src 'self' file:; " : "")"
      + "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
  }

  /// Text for HTML, between tags or quotes: nothing in it is markup, and no control character is in
  /// it.
  ///
  /// By scalar, as parsers read: a quote that a combining mark follows is one Character and is no
  /// less a quote.
  package static func quoted(_ text: String) -> String {
    var all = String.UnicodeScalarView()
    for scalar in PlainText.scalars(text) {
      switch scalar {
      case "&": all.append(contentsOf: "&amp;".unicodeScalars)
      case "<": all.append(contentsOf: "&lt;".unicodeScalars)
      case ">": all.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": all.append(contentsOf: "&quot;".unicodeScalars)
      case "'": all.append(contentsOf: "&#39;".unicodeScalars)
      default: all.append(scalar)
      }
    }
    return String(all)
  }
}

/// Text for Markdown (CommonMark 0.31, and what GitHub adds): nothing in it is markup, and no control
/// character is in it.
package enum MarkdownText {
  /// Text of a paragraph, line by line.
  package static func quoted(_ text: String) -> String {
    PlainText.lines(text).map { String(quoted(line: $0)) }.joined(separator: "\n")
  }

  /// Text that must stay in one line, as that of a heading or a picture.
  package static func quotedLine(_ text: String) -> String {
    String(quoted(line: PlainText.line(text)))
  }

  private static let special = Set(#"\`*_{}[]<>#|~&$"#.unicodeScalars)
  /// Characters that make lists, underlined headings and tables at the beginning of a line.
  private static let specialFirst = Set("-+=:".unicodeScalars)

  private static func quoted(line: String) -> String.UnicodeScalarView {
    var all = String.UnicodeScalarView()
    var isNumber = true
    for (index, scalar) in line.unicodeScalars.enumerated() {
      let endsNumber = isNumber && index > 0 && (scalar == "." || scalar == ")")
      isNumber = isNumber && ("0"..."9").contains(scalar)
      // "https://" and "www." become links by themselves.
      let makesLink = all.hasSuffix("http") || all.hasSuffix("https") || all.hasSuffix("ftp")
      if special.contains(scalar) || endsNumber || index == 0 && specialFirst.contains(scalar)
        || scalar == ":" && makesLink || scalar == "." && all.hasSuffix("www")
      {
        all.append("\\")
      }
      all.append(scalar)
    }
    return all
  }
}

extension String.UnicodeScalarView {
  fileprivate func hasSuffix(_ word: String) -> Bool {
    let last = suffix(word.unicodeScalars.count)
    return last.elementsEqual(word.unicodeScalars) { $0.properties.lowercaseMapping == String($1) }
  }
}

/// Untrusted text that is written into a file.
package enum PlainText {
  /// The scalars of a text, a line feed for every kind of line end, and U+FFFD for every other
  /// control character (Unicode's category Cc) but the tabulator.
  package static func scalars(_ text: String) -> String.UnicodeScalarView {
    var all = String.UnicodeScalarView()
    var isAfterReturn = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": if !isAfterReturn { all.append(scalar) }
      case "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}": all.append("\n")
      case "\t": all.append(scalar)
      default: all.append(scalar.properties.generalCategory == .control ? "\u{fffd}" : scalar)
      }
      isAfterReturn = scalar == "\r"
    }
    return all
  }

  /// The lines of a text, without white space around each.
  package static func lines(_ text: String) -> [String] {
    scalars(text).split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let head = line.drop(while: \.properties.isWhitespace)
      let last = head.lastIndex { !$0.properties.isWhitespace }
      return String(last.map { head[...$0] } ?? head)
    }
  }

  /// A text in one line.
  package static func line(_ text: String) -> String {
    lines(text).filter { !$0.isEmpty }.joined(separator: " ")
  }
}
