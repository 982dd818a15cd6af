import LanternFormats
import LanternModels
import LanternSamplers

/// What a model's files say of its being distilled to few steps, and the defaults that follow.
struct FewSteps: Sendable, Equatable {
  /// What it was recognised as.
  let name: String
  /// By what.
  let rule: String
  let steps: Int
  /// No guidance, or for a denoiser that has guidance as an input what that was trained with.
  let guidance: Float

  /// What a model is; nil for one of many steps, and for pipelines whose own defaults are of few.
  ///
  /// - Parameters:
  ///   - source: its files.
  ///   - pipeline: what it draws as.
  /// - Throws: ``FormatError`` for settings that cannot be read.
  init?(_ source: any ModelSource, _ pipeline: Pipeline) throws {
    guard pipeline.steps > 10 else { return nil }
    let file = source as? SingleFile ?? (source as? AlteredModel)?.base as? SingleFile
    let unet = try source.component(pipeline.denoiser).config("config.json")
    let embedsGuidance = (unet.value("time_cond_proj_dim") ?? .null) != .null
    guidance = embedsGuidance ? 8 : 1
    if let kind = pipeline.unguidedKind {
      guard unet.value("guidance_embeds")?.bool != true else { return nil }
      (name, rule, steps) = (kind, "guidance_embeds false", 4)
      return
    }
    if let found = file.flatMap({ FewStepKind.of($0.file.metadata) }) {
      (name, rule, steps) = (found.kind.name, "metadata \(found.key)", found.steps)
      return
    }
    let config = try source.component("scheduler").config("scheduler_config.json")
    let className = source.className(of: "scheduler") ?? config.value("_class_name")?.string
    guard let found = FewStepKind.of(scheduler: className ?? "", config) else { return nil }
    (name, rule, steps) = (found.kind.name, found.rule, found.kind.steps)
  }

  /// A line on the defaults that are used.
  func note(_ path: String, _ defaults: ModelDefaults) -> String {
    "\(path): distilled for few steps, as \(name) (\(rule)): \(defaults.steps) steps and guidance "
      + "\(defaults.guidance) by default"
  }
}
