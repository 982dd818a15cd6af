/// The order in which transformers 5 writes the tensors of a model that it has loaded: by the parts of their names, numbers by
/// their size, numbers at the ends of words too.
package enum ModuleOrder {
  /// Names in that order.
  ///
  /// - Parameter names: of tensors, such as `model.layers.10.mlp.up_proj.weight`.
  /// - Returns: all of them.
  package static func sorted(_ names: [String]) -> [String] {
    names.map { (key: key($0), name: $0) }.sorted { precedes($0.key, $1.key) }.map(\.name)
  }

  /// A part of a name: a number, which goes before words, or a word with the number at its end.
  private struct Part: Equatable {
    var word: [UInt8]?
    var number = -1
  }

  private static func key(_ name: String) -> [Part] {
    name.split(separator: ".", omittingEmptySubsequences: false).map { part in
      if let number = number(part[...]) { return Part(word: nil, number: number) }
      let digits = part.reversed().prefix { ("0"..."9").contains($0) }.count
      let word = part.dropLast(digits)
      return Part(word: Array(word.utf8), number: number(part.suffix(digits)) ?? -1)
    }
  }

  private static func number(_ digits: Substring) -> Int? {
    digits.allSatisfy { ("0"..."9").contains($0) } ? Int(digits) : nil
  }

  private static func precedes(_ a: [Part], _ b: [Part]) -> Bool {
    a.lexicographicallyPrecedes(b) { one, other in
      switch (one.word, other.word) {
      case (nil, nil): one.number < other.number
      case (nil, _): true
      case (_, nil): false
      case (let word?, let second?):
        word == second ? one.number < other.number : word.lexicographicallyPrecedes(second)
      }
    }
  }
}
