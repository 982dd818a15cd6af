/// A table from the names of tensors in one code's checkpoints to those in another's: prefixes of whole
/// path parts, so that `input_blocks.1` is none of `input_blocks.10.0.weight`.
package struct NameTable: Sendable {
  private let pairs: [(from: String, to: String)]
  private let prefixes: [String: String]

  /// - Parameter pairs: prefixes or whole names; of two of one prefix the first counts.
  package init(_ pairs: [(from: String, to: String)]) {
    self.pairs = pairs
    self.prefixes = Dictionary(
      pairs.map { ($0.from, $0.to) }, uniquingKeysWith: { first, _ in first })
  }

  /// The other code's name, by the longest prefix in the table; nil where there is none.
  package func callAsFunction(_ name: String) -> String? {
    var end = name.endIndex
    while true {
      if let found = prefixes[String(name[..<end])] { return found + name[end...] }
      guard let dot = name[..<end].lastIndex(of: ".") else { return nil }
      end = dot
    }
  }

  /// The table with other pairs too.
  package func adding(_ others: [(from: String, to: String)]) -> NameTable {
    NameTable(pairs + others)
  }

  /// The table of the other direction.
  package var inverse: NameTable { NameTable(pairs.map { (from: $0.to, to: $0.from) }) }
}
