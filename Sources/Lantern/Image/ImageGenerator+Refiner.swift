import LanternPlatform
import LanternSamplers

extension ImageGenerator {
  /// Notes on a refiner, or its start, without an effect: a line each.
  func refinerNotes(_ request: ImageRequest, _ settings: ImageSettings, _ plan: NoisePlan)
    -> [String]
  {
    guard let refiner else {
      return request.refinerStart == nil
        ? [] : ["refiner start has no effect: no refiner is given"]
    }
    let last = plan.levels.map(\.timestep).min() ?? 0
    guard last >= settings.refinerTimestep(model.schedule) else {
      let names = request.imagePrompts.filter { $0.scale != 0 }.map(\.name)
      return names.isEmpty
        ? []
        : [
          "the refiner does not see image prompts: \(names.joined(separator: ", ")) "
            + "\(names.count == 1 ? "counts" : "count") in the steps before it alone"
        ]
    }
    return [
      "the refiner \(HubCache.name(of: refiner.path)) has no effect: no step is left after "
        + "\(settings.refinerStart) of the noise; give more steps, or let it start earlier"
    ]
  }
}
