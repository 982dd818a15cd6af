/// Names for one or several pictures: `fox.png`, or `fox-%03d.png` with a number in it.
struct OutputPattern {
  private let head: String
  private let digits: Int
  private let tail: String

  /// - Parameters:
  ///   - text: what was asked for.
  ///   - count: with more than one picture a name without a number gets one.
  init(_ text: String, count: Int) {
    if let found = Self.placeholder(text) {
      head = String(text[..<found.range.lowerBound])
      tail = String(text[found.range.upperBound...])
      digits = found.digits
    } else if count > 1, let dot = text.lastIndex(of: ".") {
      head = text[..<dot] + "-"
      tail = String(text[dot...])
      digits = 3
    } else {
      head = text
      tail = ""
      digits = 0
    }
  }

  /// The name of picture `index`, counted from 1.
  func path(_ index: Int) -> String {
    guard !tail.isEmpty || digits > 0 else { return head }
    let number = String(index)
    return head + String(repeating: "0", count: max(0, digits - number.count)) + number + tail
  }

  /// Where `%d` or `%03d` stands.
  private static func placeholder(_ text: String) -> (range: Range<String.Index>, digits: Int)? {
    guard let percent = text.firstIndex(of: "%") else { return nil }
    var end = text.index(after: percent)
    var digits = ""
    while end < text.endIndex, text[end].isASCII, text[end].isNumber, digits.count < 2 {
      digits.append(text[end])
      end = text.index(after: end)
    }
    guard end < text.endIndex, text[end] == "d" else { return nil }
    return (percent..<text.index(after: end), Int(digits) ?? 1)
  }
}
