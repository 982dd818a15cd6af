package import LanternTensor

/// Block diffusion: each block attends to itself and to those before it, so that what is before is read once.
extension MaskedTextDecoder {
  /// Writes blocks behind a prompt as Fast-dLLM v2's `generate` does (Wu et al. 2025, arXiv:2509.26328): the first token of a
  /// block is the one that the finished block before it makes likeliest, or the prompt's; the others are filled in
  /// ``blockLength`` at a time, all of at least ``threshold`` and the surest in any case. Of a prompt that ends within a block
  /// the rest belongs to the first block.
  ///
  /// - Parameters:
  ///   - prompt: the tokens before, one at least.
  ///   - count: how many are written.
  ///   - size: tokens of a block.
  ///   - mask: the token that stands for one to be filled in.
  ///   - noise: of the seed.
  ///   - read: logits `[position, id]` of the next token behind each of a block's tokens, which stand behind what was kept;
  ///     kept or not.
  ///   - onBlock: called with the new tokens of each block; false ends the text.
  /// - Throws: what the closures throw.
  package func fillBlocks(
    behind prompt: [Int], count: Int, size: Int, mask: Int, noise: TokenNoise,
    read: (_ ids: [Int], _ isKept: Bool) throws -> Tensor,
    onBlock: (_ ids: [Int]) throws -> Bool
  ) throws {
    var ids = prompt
    var step = 0
    for first in stride(from: 0, to: prompt.count / size * size, by: size) {
      let logits = try read(Array(prompt[first..<first + size]), true)
      if first + size == prompt.count { ids.append(try next(logits, mask, noise[-1])) }
    }
    let end = prompt.count + count
    var given = prompt.count
    while given < end {
      let first = ids.count / size * size
      var block = Array(ids[first...])
      block += [Int](repeating: mask, count: size - block.count)
      for part in stride(from: 0, to: size, by: blockLength) {
        let range = part..<min(part + blockLength, size)
        while true {
          let masked = range.filter { block[$0] == mask }
          guard !masked.isEmpty else { break }
          step += 1
          // Of a token the row of the one before it; the first has none, for it is known.
          let rows = try read(block, false)
          let found = try choices(rows, masked.map { max(0, $0 - 1) }, mask, noise[step])
          for (place, choice) in zip(masked, found)
          where isChosen(choice, among: found) { block[place] = choice.id }
        }
      }
      let new = ids[given...] + block[(ids.count - first)...]
      guard try onBlock(Array(new.prefix(end - given))) else { return }
      given = first + size
      guard given < end else { return }
      let following = try next(read(block, true), mask, noise[-step - 1])
      ids = ids[..<first] + block + [following]
    }
  }

  /// Whether a choice is sure enough, or the surest: of equally sure ones the first.
  private func isChosen(_ choice: Choice, among all: [Choice]) -> Bool {
    if choice.confidence >= threshold ?? 0.9 { return true }
    let most = all.map(\.confidence).max() ?? 0
    return all.first { $0.confidence == most }?.position == choice.position
  }

  /// The token behind a block's last one.
  private func next(_ logits: Tensor, _ mask: Int, _ noise: TokenNoise) throws -> Int {
    var greedy = self
    greedy.temperature = 0
    return try greedy.choices(logits, [(logits.shape.first ?? 1) - 1], mask, noise).first?.id ?? 0
  }
}
