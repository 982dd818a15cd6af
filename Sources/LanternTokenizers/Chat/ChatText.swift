/// Text for a language model, of which people typed parts: nothing in those is a control token, as `<|im_end|>`.
package struct ChatText: Sendable, Equatable {
  /// Its characters.
  let scalars: [Unicode.Scalar]
  private let isTyped: [Bool]

  /// Text of a template, or typed by people.
  package init(_ text: String, isTyped: Bool) {
    scalars = Array(text.unicodeScalars)
    self.isTyped = Array(repeating: isTyped, count: scalars.count)
  }

  /// What a template gave.
  init(_ text: TemplateText) {
    scalars = text.units.map(TemplateText.scalar)
    isTyped = text.units.map { $0 & TemplateText.typed != 0 }
  }

  /// The text as a string.
  package var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// Whether people typed none of a part's characters.
  func isOfTemplate(_ range: Range<Int>) -> Bool { !isTyped[range].contains(true) }
}

extension ChatText {
  private init(_ scalars: [Unicode.Scalar], _ isTyped: [Bool]) {
    (self.scalars, self.isTyped) = (scalars, isTyped)
  }

  /// The text up to the white space at its end, and that.
  package var dividedAtLastSpace: (text: ChatText, space: ChatText) {
    let end = scalars[...].trimmingEnd.endIndex
    return (
      ChatText(Array(scalars[..<end]), Array(isTyped[..<end])),
      ChatText(Array(scalars[end...]), Array(isTyped[end...]))
    )
  }

  /// A text and another behind it.
  package static func + (text: ChatText, other: ChatText) -> ChatText {
    ChatText(text.scalars + other.scalars, text.isTyped + other.isTyped)
  }

  /// What a template writes between the first part that people typed and the second; nil where there are not two.
  package var betweenTyped: String? {
    guard let first = isTyped.firstIndex(of: true),
      let end = isTyped[first...].firstIndex(of: false),
      let second = isTyped[end...].firstIndex(of: true)
    else { return nil }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[end..<second])
    return String(view)
  }
}
