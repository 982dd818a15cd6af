/// A step of a text sampler, which changes logits or leaves tokens out: a row of ``all``, in a file of its own.
package struct SamplerStep: Sendable, Equatable {
  /// What a step may look at.
  struct Context {
    /// Tokens that occurred, the prompt's among them.
    let past: [Int]
    /// A random number in 0..<1, of the step that is done by chance.
    let chance: Float
  }

  /// llama.cpp's name of it, as `--sampler-order` has it.
  package let name: String
  /// Whether it leaves out tokens that are not likely, which changes nothing where the likeliest is taken.
  package let isFilter: Bool
  /// Whether a sampler does it at all.
  package let isActive: @Sendable (TextSampler) -> Bool
  let apply: @Sendable (TextSampler, inout Candidates, Context) -> Void

  package static func == (one: SamplerStep, other: SamplerStep) -> Bool { one.name == other.name }

  /// All steps, in transformers' order; those that transformers does not have stand next to their like.
  package static let all: [SamplerStep] = [
    .penalties, .dry, .temperature, .topK, .topP, .minP, .typical, .xtc,
  ]

  /// The order of llama.cpp's `--samplers`.
  package static let llamaCpp: [SamplerStep] = [
    .penalties, .dry, .topK, .typical, .topP, .minP, .xtc, .temperature,
  ]

  /// What an order may be, in words.
  package static let orders =
    "transformers, llama.cpp, or names with ; between them: "
    + llamaCpp.map(\.name).joined(separator: ";")

  /// The steps of an order by its name, or by theirs; nil for a name that is none, and for one that stands
  /// twice.
  package static func steps(_ order: String) -> [SamplerStep]? {
    switch order {
    case "transformers": return all
    case "llama.cpp": return llamaCpp
    default:
      let names = order.split(separator: ";", omittingEmptySubsequences: false)
      let steps = names.compactMap { name in all.first { $0.name == name } }
      return steps.count == names.count && Set(names).count == names.count ? steps : nil
    }
  }
}
