import Lantern
import LanternFormats
import LanternPictures

/// A job as it is shown and kept.
struct JobRecord: Sendable {
  /// A picture of it, or a page.
  struct Drawn: Sendable {
    /// What a page says; nil for a picture.
    let text: String?
    let seed: UInt64
    let width: Int
    let height: Int
    let recipe: JSONValue
    let notes: [String]

    init(
      text: String?, seed: UInt64, width: Int, height: Int, recipe: JSONValue, notes: [String]
    ) {
      self.text = text
      (self.seed, self.width, self.height) = (seed, width, height)
      (self.recipe, self.notes) = (recipe, notes)
    }

    init(_ image: GeneratedImage) {
      self.init(
        text: nil, seed: image.settings.seed, width: image.picture.width,
        height: image.picture.height,
        recipe: image.recipe.json, notes: image.notes)
    }

    init(_ page: StoryPage, of request: StoryRequest, notes: [String]) {
      var recipe: [String: JSONValue] = [
        "prompt": .string(request.prompt), "page": .integer(page.number),
        "seed": .string(String(request.seed)),
      ]
      recipe["pages"] = request.pages.map(JSONValue.integer)
      recipe["caption"] = page.caption.map(JSONValue.string)
      self.init(
        text: page.text, seed: request.seed, width: page.picture.width,
        height: page.picture.height, recipe: .object(recipe), notes: notes)
    }
  }

  let id: String
  /// What it makes: `image`, `story`, `upscale` or `pull`.
  let kind: String
  /// Seconds since 1970.
  let created: Int
  /// The model's name; the first that drew when nil.
  let model: String?
  let prompt: String
  /// Pictures that were wanted.
  let count: Int
  var phase: Job.State.Phase
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
      "id": .string(id), "kind": .string(kind), "state": .string(phase.rawValue),
      "ahead": .integer(ahead),
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
    var object: [String: JSONValue] = [
      "path": .string("/files/\(id)/\(index).png"), "seed": JSONValue(picture.seed),
      "width": .integer(picture.width), "height": .integer(picture.height),
      "recipe": picture.recipe, "notes": .array(picture.notes.map(JSONValue.string)),
    ]
    object["text"] = picture.text.map(JSONValue.string)
    return .object(object)
  }
}

extension Job {
  /// The job as it is now.
  var record: JobRecord {
    let state = state
    return JobRecord(
      id: id, kind: work.kind, created: created, model: model, prompt: work.prompt,
      count: max(work.count, state.pictures.count), phase: state.phase, ahead: state.ahead,
      step: state.step,
      error: state.error.flatMap { ErrorForm.own.body($0).object?["error"] },
      pictures: state.pictures.map(\.record))
  }
}
