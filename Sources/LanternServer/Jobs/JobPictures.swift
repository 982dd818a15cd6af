import Lantern
import LanternFormats
import LanternPictures

/// Pictures of a job's body, in the order of what its settings name.
extension RequestFields {
  /// Takes the pictures that a picture is drawn from.
  ///
  /// - Parameter request: the request, whose settings are taken.
  /// - Throws: ``ServerError/field(name:reason:)`` for what is no text, and what is wrong with a picture.
  func takePictures(into request: inout ImageRequest) throws {
    if let picture = try picture("picture") { request.initialPicture = picture }
    request.mask = try string("mask").map { try Self.mask($0, "mask") }
    let references = try list("reference_pictures", request.references.count)
    for (index, text) in references.enumerated() {
      request.references[index].picture = try text.map {
        try Self.picture($0, "reference_pictures")
      }
    }
    let controls = try list("control_pictures", request.controls.count)
    for (index, text) in controls.enumerated() {
      request.controls[index].picture = try text.map { try Self.picture($0, "control_pictures") }
    }
    let count = request.imagePrompts.count
    let prompts = try list("image_prompt_pictures", count)
    for (index, text) in prompts.enumerated() {
      request.imagePrompts[index].picture = try text.map {
        try Self.picture($0, "image_prompt_pictures")
      }
    }
    for (index, text) in try list("image_prompt_masks", count).enumerated() {
      request.imagePrompts[index].mask = try text.map { try Self.mask($0, "image_prompt_masks") }
    }
  }

  /// Takes the pictures of the pages that a story begins with.
  ///
  /// - Parameter request: the request, whose settings are taken.
  /// - Throws: as for a picture's request.
  func takePictures(into request: inout StoryRequest) throws {
    let pages = try list("beginning_pictures", request.beginning.count)
    for (index, text) in pages.enumerated() {
      request.beginning[index].picture = try text.map { try Self.picture($0, "beginning_pictures") }
    }
  }

  /// The first texts of a list, nil for null, one for each thing that settings name; none of a list that is not there.
  private func list(_ name: String, _ count: Int) throws(ServerError) -> [String?] {
    guard let values = try array(name) else { return [] }
    // Those that nothing is named for are left.
    if values.count > count { leave(name) }
    var texts: [String?] = []
    for (index, value) in values.prefix(count).enumerated() {
      guard value == .null || value.string != nil else {
        throw .field(name: "\(name)[\(index)]", reason: "give a picture in base64, or null")
      }
      texts.append(value.string)
    }
    return texts
  }

  private static func picture(_ text: String, _ name: String) throws -> Picture {
    try Picture(bytes(ofBase64: text, name), path: name)
  }

  private static func mask(_ text: String, _ name: String) throws -> Mask {
    try Mask(bytes(ofBase64: text, name), path: name)
  }
}
