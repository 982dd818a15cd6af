package import Lantern

/// A text with commas between values, of which each is taken once, in the text's order.
package enum CommaList {
  /// Names, one at least.
  ///
  /// - Parameters:
  ///   - text: the list.
  ///   - title: what the error calls it.
  ///   - convert: what a name stands for.
  /// - Returns: what they stand for.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for an empty list, and what `convert` throws.
  package static func names<Value: Equatable>(
    _ text: String, _ title: String, _ convert: (String) throws -> Value
  ) throws -> [Value] {
    let names = items(text)
    if names.isEmpty {
      throw RequestError.range(
        name: title, found: "\"\(text)\"", allowed: "names with commas between them")
    }
    return once(try names.map(convert))
  }

  /// Numbers, one at least.
  ///
  /// - Parameters:
  ///   - text: the list.
  ///   - title: what the error calls it.
  ///   - convert: the number of a text; nil where it is none, or out of its range.
  /// - Returns: the numbers.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for an empty list, and for what is no number
  ///   of the range.
  package static func numbers<Number: Equatable>(
    _ text: String, _ title: String, _ convert: (String) -> Number?
  ) throws(RequestError) -> [Number] {
    let items = items(text)
    let found = items.compactMap(convert)
    guard !found.isEmpty, found.count == items.count else {
      throw .range(
        name: title, found: "\"\(text)\"",
        allowed: "numbers with commas between them, like 1,2,4")
    }
    return once(found)
  }

  private static func items(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
      .filter { !$0.isEmpty }
  }

  private static func once<Value: Equatable>(_ values: [Value]) -> [Value] {
    values.reduce(into: []) { all, value in if !all.contains(value) { all.append(value) } }
  }
}
