/// Prompt look-up decoding, as transformers' `prompt_lookup_num_tokens`: proposes what came the last time that the same
/// few tokens stood in a text.
package struct NGramLookup: Sendable {
  /// Tokens that are proposed at most.
  private let count: Int
  /// Tokens that are looked for, at most.
  private static let longest = 3

  /// - Parameter count: tokens that are proposed at most.
  package init(count: Int) { self.count = count }

  /// Proposes tokens; none where the last one did not occur before.
  ///
  /// - Parameters:
  ///   - tokens: the text so far.
  ///   - most: no more than so many.
  /// - Returns: what came behind.
  package func draft(_ tokens: [Int], most: Int) -> [Int] {
    for length in (1...Self.longest).reversed() where tokens.count > length && most > 0 {
      let last = tokens.suffix(length)
      // The latest of several places, before the end itself.
      for start in (0..<tokens.count - length).reversed()
      where tokens[start] == last.first && tokens[start..<start + length].elementsEqual(last) {
        // What comes behind the end itself is what was proposed: a text that repeats itself goes on to.
        var all = tokens
        for index in start + length..<start + length + min(count, most) { all.append(all[index]) }
        return Array(all[tokens.count...])
      }
    }
    return []
  }
}
