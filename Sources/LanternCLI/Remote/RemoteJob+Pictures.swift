import Lantern
import LanternFormats
import LanternPictures

/// What `POST /jobs` takes: settings as recipes name them, and pictures as data.
extension RemoteJob {
  /// The body of a job that draws.
  ///
  /// - Parameter request: the picture's.
  /// - Returns: the body, without the model.
  /// - Throws: `PictureError`, never for pictures that were read.
  static func body(of request: ImageRequest) throws -> [String: JSONValue] {
    var settings = ImageSetting.recipe(of: request)
    // That there are pictures to begin from, which a recipe says in place of them.
    for key in ["from_picture", "masked"] { settings[key] = nil }
    var body: [String: JSONValue] = ["kind": "image", "settings": .object(settings)]
    body["picture"] = try request.initialPicture.map(data)
    body["mask"] = try request.mask.map(data)
    let lists: [(String, [JSONValue])] = [
      ("reference_pictures", try request.references.map { try data($0.picture) }),
      ("control_pictures", try request.controls.map { try data($0.picture) }),
      ("image_prompt_pictures", try request.imagePrompts.map { try data($0.picture) }),
      ("image_prompt_masks", try request.imagePrompts.map { try $0.mask.map(data) ?? .null }),
    ]
    for (name, list) in lists where list.contains(where: { $0 != .null }) {
      body[name] = .array(list)
    }
    return body
  }

  /// The body of a job that tells a story.
  ///
  /// - Parameter request: the story's.
  /// - Returns: the body, without the model.
  /// - Throws: `PictureError`, never for pictures that were read.
  static func body(of request: StoryRequest) throws -> [String: JSONValue] {
    var body: [String: JSONValue] = [
      "kind": "story", "settings": .object(StorySetting.values(of: request)),
    ]
    if request.beginning.contains(where: { $0.picture != nil }) {
      body["beginning_pictures"] = .array(try request.beginning.map { try data($0.picture) })
    }
    return body
  }

  private static func data(_ picture: Picture?) throws -> JSONValue {
    guard let picture else { return .null }
    return .string(Base64.encode(try picture.png()))
  }

  private static func data(_ mask: Mask) throws -> JSONValue {
    try data(
      Picture(width: mask.width, height: mask.height, pixels: mask.pixels.flatMap { [$0, $0, $0] }))
  }
}
