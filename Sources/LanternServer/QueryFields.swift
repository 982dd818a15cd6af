import Hummingbird

/// Fields of an address' query.
extension Parameters {
  /// An integer.
  ///
  /// - Parameters:
  ///   - name: the field's.
  ///   - range: the values that it may have.
  /// - Returns: its value; nil where it is not there.
  /// - Throws: ``ServerError/field(name:reason:)`` for any other.
  func number(_ name: String, in range: ClosedRange<Int>) throws(ServerError) -> Int? {
    guard let text = self[Substring(name)] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw .field(
        name: name, reason: "give an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A truth value.
  ///
  /// - Parameter name: the field's.
  /// - Returns: its value; nil where it is not there.
  /// - Throws: ``ServerError/field(name:reason:)`` for any other.
  func bool(_ name: String) throws(ServerError) -> Bool? {
    guard let text = self[Substring(name)] else { return nil }
    guard ["true", "false"].contains(text) else {
      throw .field(name: name, reason: "give true or false")
    }
    return text == "true"
  }
}
