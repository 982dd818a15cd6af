import Lantern
package import LanternLayers
package import LanternSamplers
package import LanternTensor

extension SamplerBench {
  /// The settings of a bench.
  package struct Settings: Sendable, Equatable {
    package var samplers: [String]
    /// Names of schedules; nil for the model's own.
    package var schedules: [String?]
    /// Guidance scales; nil for the model's own.
    package var guidances: [Float?] = [nil]
    package var steps: [Int]
    /// How features are reused from step to step; nil for not at all.
    package var caches: [StepCache?] = [nil]
    package var prompts: [String]
    package var seeds: [UInt64]
    /// Size in pixels; nil for the model's own.
    package var width: Int?
    /// See ``width``.
    package var height: Int?
    /// Eta, for samplers that have it; nil for their own.
    package var eta: Float?
    /// The program whose noise levels are followed.
    package var convention = Convention.diffusers
    /// LoRAs that were added to the model, each with its strength after a colon.
    package var loras: [String] = []
    /// What the model computed in.
    package var precision = Precision.exact
    /// The judge, by a hash of its weights; nil for none.
    package var judge: String?

    /// Steps at most of the sampler that the converged picture is drawn with.
    static let convergedSteps = 250
    /// That sampler: of second order, one call a step; where a model refuses it, the second.
    static let convergedSamplers = ["dpm++2m", "euler"]
    /// What people usually get of these, in words.
    package static let converged = "\(convergedSteps) steps of \(convergedSamplers[0])"
    /// The name that stands for the model's own LoRA for few steps, with the sampler that it wants.
    package static let fast = "fast"

    package init(
      samplers: [String], schedules: [String?], steps: [Int], prompts: [String], seeds: [UInt64]
    ) {
      self.samplers = samplers
      self.schedules = schedules
      self.steps = steps
      self.prompts = prompts
      self.seeds = seeds
    }

    /// Samplers that draw as much fresh noise as ever, whatever ``eta`` says.
    package var etaless: [String] {
      guard eta != nil else { return [] }
      return samplers.filter { name in
        (try? SamplerCatalogue.row(named: name))?.defaultEta == nil
      }
    }

    /// All cells, in the order in which they are measured and shown.
    package var cells: [BenchCell] {
      guidances.flatMap { guidance in
        schedules.flatMap { schedule in
          samplers.flatMap { sampler -> [BenchCell] in
            // Guidance is baked into a LoRA for few steps.
            let isFast = sampler == Self.fast
            if isFast, guidance != guidances.first { return [] }
            return caches.flatMap { cache in
              steps.map {
                BenchCell(
                  sampler: sampler, schedule: schedule, guidance: isFast ? nil : guidance,
                  steps: $0, cache: cache)
              }
            }
          }
        }
      }
    }

    /// What holds for all cells alike and is not the same in another bench, in words.
    package func differences(from other: Settings) -> [String] {
      BenchSetting.common.filter { $0.differs(self, other) }.map(\.title)
        .reduce(into: []) { all, title in if all.last != title { all.append(title) } }
    }

    /// These, and the samplers, schedules, guidances, steps and caches of another bench before them.
    package func joined(to other: Settings) -> Settings {
      func both<Value: Equatable>(_ old: [Value], _ new: [Value]) -> [Value] {
        old + new.filter { !old.contains($0) }
      }
      var all = self
      all.samplers = both(other.samplers, samplers)
      all.schedules = both(other.schedules, schedules)
      all.guidances = both(other.guidances, guidances)
      all.steps = both(other.steps, steps).sorted()
      all.caches = both(other.caches, caches)
      return all
    }
  }
}
