import Lantern
import LanternFormats
import LanternPictures

/// A job as it is shown and kept.
struct JobRecord: Sendable {
  /// A picture of it.
  struct Drawn: Sendable {
    let seed: UInt64
    let width: Int
    let height: Int
    let recipe: JSONValue
    let notes: [String]

    init(seed: UInt64, width: Int, height: Int, recipe: JSONValue, notes: [String]) {
      (self.seed, self.width, self.height) = (seed, width, height)
      (self.recipe, self.notes) = (recipe, notes)
    }

    init(_ image: GeneratedImage) {
      self.init(
        seed: image.settings.seed, width: image.picture.width, height: image.picture.height,
        recipe: image.recipe.json, notes: image.notes)
    }
  }

  let id: String
  /// Seconds since 1970.
  let created: Int
  /// The model's name; the first that drew when nil.
  let model: String?
  let prompt: String
  /// Pictures that were wanted.
  let count: Int
  var phase: PictureJob.State.Phase
  var ahead = 0
  var step = (number: 0, count: 0)
  /// What went wrong, in the form of our own errors.
  var error: JSONValue?
  var pictures: [Drawn]

  /// The job in an answer.
  ///
  /// - Parameter notes: what had no effect.
  /// - Returns: an object.
  func json(notes: [String] = []) -> JSONValue {
    var object: [String: JSONValue] = [
      "id": .string(id), "state": .string(phase.rawValue), "ahead": .integer(ahead),
      "count": .integer(count), "step": .integer(step.number), "of": .integer(step.count),
      "created": .integer(created), "prompt": .string(prompt),
      "pictures": .array(pictures.indices.map(picture)),
    ]
    if let error { object["error"] = error }
    if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
    return .object(object)
  }

  /// A picture of it in an answer.
  func picture(_ index: Int) -> JSONValue {
    let picture = pictures[index]
    return .object([
      "path": .string("/files/\(id)/\(index).png"), "seed": JSONValue(picture.seed),
      "width": .integer(picture.width), "height": .integer(picture.height),
      "recipe": picture.recipe, "notes": .array(picture.notes.map(JSONValue.string)),
    ])
  }
}

extension PictureJob {
  /// The job as it is now.
  var record: JobRecord {
    let state = state
    return JobRecord(
      id: id, created: created, model: model, prompt: requests.first?.prompt ?? "",
      count: requests.count, phase: state.phase, ahead: state.ahead, step: state.step,
      error: state.error.flatMap { ErrorForm.own.body($0).object?["error"] },
      pictures: state.pictures.map(JobRecord.Drawn.init))
  }
}
