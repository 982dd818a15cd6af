import LanternDecoding
import LanternFormats

/// Prompts of which one of several variants is drawn: `a {red|blue} {fox|{big|small} owl}`.
package enum PromptVariants {
  /// How deep braces may stand within braces.
  private static let depthLimit = 32

  /// The variant of a seed. `\{`, `\|` and `\}` are characters, and so is a `|` outside of braces.
  ///
  /// - Parameters:
  ///   - prompt: the prompt with its variants.
  ///   - seed: which are taken; each pair of braces is decided on its own.
  /// - Returns: the prompt without braces.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` where a brace has no partner, or they stand too deep.
  package static func pick(_ prompt: String, seed: UInt64) throws(RequestError) -> String {
    // Of the parts that braces enclose, the variants read so far; the prompt itself is the first part.
    var parts: [[String]] = [[""]]
    var (braces, isEscaped) = (0, false)
    let failure = RequestError.range(
      name: "variants in the prompt", found: JSON.quoted(prompt),
      allowed: "braces in pairs, at most \(depthLimit) deep, as {red|blue}")
    let noise = TokenNoise(seed: seed)
    for character in prompt {
      let last = parts.count - 1
      switch character {
      case _ where isEscaped:
        if !["{", "|", "}"].contains(character) { parts[last][parts[last].count - 1].append("\\") }
        parts[last][parts[last].count - 1].append(character)
        isEscaped = false
      case "\\": isEscaped = true
      case "{":
        guard parts.count < depthLimit else { throw failure }
        parts.append([""])
      case "|" where last > 0: parts[last].append("")
      case "}":
        guard last > 0, let variants = parts.popLast() else { throw failure }
        braces += 1
        let pick = Int(noise.uniform(braces) * Float(variants.count))
        parts[last - 1][parts[last - 1].count - 1] += variants[min(pick, variants.count - 1)]
      default: parts[last][parts[last].count - 1].append(character)
      }
    }
    guard parts.count == 1 else { throw failure }
    return parts[0][0] + (isEscaped ? "\\" : "")
  }
}

extension ImageRequest {
  /// Whether its prompts may have variants.
  package var hasVariants: Bool { [prompt, negativePrompt].contains { $0.contains("{") } }

  /// Takes the variants of its seed in both prompts.
  ///
  /// - Throws: as ``PromptVariants/pick(_:seed:)``.
  package mutating func pickVariants() throws(RequestError) {
    prompt = try PromptVariants.pick(prompt, seed: seed)
    negativePrompt = try PromptVariants.pick(negativePrompt, seed: seed)
  }
}
