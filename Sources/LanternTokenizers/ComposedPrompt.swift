/// A prompt that is composed of several, in the syntax of stable-diffusion-webui: `a cat AND a dog :1.2`.
///
/// Predictions are added: without + Σ weight · (with − without), times the scale of guidance (Liu et al. 2022,
/// arXiv:2206.01714). As there, a number behind a colon at the very end weighs a prompt that stands alone too.
package struct ComposedPrompt: Sendable, Equatable {
  /// A prompt among others.
  package struct Part: Sendable, Equatable {
    /// Its text, which may change between steps: see ``PromptSchedule``.
    package let text: String
    package let weight: Float
  }

  /// At least one.
  package let parts: [Part]

  /// Whether there is more to do than to draw one prompt.
  package var isComposed: Bool { parts.count > 1 || parts.contains { $0.weight != 1 } }

  /// Reads a prompt; extra networks are no part of it.
  package init(parsing prompt: String) {
    let scalars = Array(PromptSyntax.withoutTags(prompt).prompt.unicodeScalars)[...]
    var parts: [Part] = []
    var start = 0
    for word in scalars.ranges(ofWord: "AND") + [scalars.endIndex..<scalars.endIndex] {
      parts.append(Self.part(scalars[start..<word.lowerBound]))
      start = word.upperBound
    }
    self.parts = parts
  }

  private static func part(_ text: ArraySlice<Unicode.Scalar>) -> Part {
    let text = text.trimmingEnd
    if let colon = text.lastIndex(of: ":") {
      let number = text[(colon + 1)...].drop(while: \.isSpace)
      if number.isDecimal(withExponent: false),
        let weight = Float(String(String.UnicodeScalarView(number)))
      {
        let limit = WeightedPrompt.weightLimit
        return Part(
          text: String(String.UnicodeScalarView(text[..<colon].trimmingEnd)),
          weight: min(max(weight, -limit), limit))
      }
    }
    return Part(text: String(String.UnicodeScalarView(text)), weight: 1)
  }
}
