/// A web page as a parser sees it: the states of the HTML standard's tokenizer (13.2.5) that a page of
/// ours may reach. What else would be an error there is one here.
package struct HTMLPage: Sendable {
  /// An element's start tag.
  package struct Element: Sendable {
    package var name: String
    package var attributes: [(name: String, value: String)] = []

    /// The name, and those of the attributes: `img src alt`.
    package var outline: String { ([name] + attributes.map(\.name)).joined(separator: " ") }

    /// The value of an attribute.
    package subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
  }

  /// What is no page of ours, and before which scalar.
  package struct Fault: Error, CustomStringConvertible {
    package let reason: String
    package let rest: String

    package var description: String { "\(reason), before \"\(rest)\"" }
  }

  /// The elements in order.
  package private(set) var elements: [Element] = []
  /// The text within each element of ``elements``, without that of elements within it.
  package private(set) var texts: [String] = []

  private var open: [Int] = []
  private var rest: Substring.UnicodeScalarView

  private static let empty: Set<String> = ["meta", "img", "br", "hr", "input", "link"]
  private static let entities = ["amp;": "&", "lt;": "<", "gt;": ">", "quot;": "\"", "#39;": "'"]

  /// Parses a page.
  ///
  /// - Throws: ``Fault``.
  package init(_ text: String) throws {
    rest = text.unicodeScalars[...]
    guard take("<!DOCTYPE html>\n") else { throw fault("no doctype") }
    while let scalar = rest.first {
      if scalar == "<" { try tag() } else { try add(character()) }
    }
    guard open.isEmpty else { throw fault("elements that do not end") }
  }

  private func fault(_ reason: String) -> Fault {
    Fault(reason: reason, rest: String(rest.prefix(40)))
  }

  /// Whether `word` comes next; it is then taken.
  private mutating func take(_ word: String) -> Bool {
    guard rest.starts(with: word.unicodeScalars) else { return false }
    rest = rest.dropFirst(word.unicodeScalars.count)
    return true
  }

  /// What comes as long as `isWanted`.
  private mutating func take(while isWanted: (Unicode.Scalar) -> Bool) -> String {
    let taken = rest.prefix(while: isWanted)
    rest = rest[taken.endIndex...]
    return String(taken)
  }

  private mutating func add(_ scalars: String) throws {
    guard let last = open.last else {
      guard scalars == "\n" else { throw fault("text outside") }
      return
    }
    texts[last].unicodeScalars.append(contentsOf: scalars.unicodeScalars)
  }

  /// A character or a reference to one.
  private mutating func character() throws -> String {
    guard let scalar = rest.popFirst() else { throw fault("the end") }
    if scalar == "&" {
      for (entity, meaning) in Self.entities where take(entity) { return meaning }
      throw fault("a loose &")
    }
    if scalar == "\n" || scalar == "\t" { return String(scalar) }
    if scalar.properties.generalCategory == .control { throw fault("a control character") }
    return String(scalar)
  }

  private mutating func tag() throws {
    if take("</") {
      let name = take(while: Self.isName)
      guard let last = open.popLast(), elements[last].name == name, take(">") else {
        throw fault("</\(name)> where it does not belong")
      }
      return
    }
    guard take("<"), let first = rest.first, ("a"..."z").contains(first) else {
      throw fault("a loose <")
    }
    var element = Element(name: take(while: Self.isName))
    var isClosed = false
    while !take(">") {
      isClosed = take("/>")
      if isClosed { break }
      guard !take(while: Self.isSpace).isEmpty else { throw fault("no space in a tag") }
      let name = take { Self.isName($0) || $0 == "-" || ("A"..."Z").contains($0) }
      guard !name.isEmpty, element[name] == nil else { throw fault("a strange attribute") }
      var value = ""
      if take("=") {
        guard take("\"") else { throw fault("a value without quotes") }
        while !take("\"") {
          value.unicodeScalars.append(contentsOf: try character().unicodeScalars)
        }
      }
      element.attributes.append((name, value))
    }
    elements.append(element)
    texts.append("")
    if Self.empty.contains(element.name) || isClosed { return }
    open.append(elements.count - 1)
    if element.name == "style" || element.name == "script" {
      while !rest.isEmpty, !rest.starts(with: "</\(element.name)".unicodeScalars) {
        try add(String(rest.removeFirst()))
      }
    } else if element.name == "title" {
      while !rest.isEmpty, !rest.starts(with: "</title".unicodeScalars) { try add(character()) }
    }
  }

  private static func isName(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\n" }
}
