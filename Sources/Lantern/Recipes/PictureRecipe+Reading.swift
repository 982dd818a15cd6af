import LanternFormats
public import LanternPictures

extension PictureRecipe {
  /// The recipe in a picture's texts: Lantern's own, or another program's; nil when there is none.
  ///
  /// - Throws: ``RequestError/foreignSettings(program:reason:)`` for settings that are there and
  ///   cannot be read.
  public init?(_ metadata: PictureMetadata) throws(RequestError) {
    if let text = metadata[Key.exact], let values = Self.parsed(text)?.object {
      self.init(values)
      return
    }
    let isNovelAI = metadata["Software"] == "NovelAI"
    var found: ForeignRecipe?
    for key in Self.keys where found == nil {
      guard let text = metadata[key] else { continue }
      if let first = text.utf8.first(where: { !" \n\r\t".utf8.contains($0) }),
        first == UInt8(ascii: "{")
      {
        guard let members = Self.parsed(text)?.object else { continue }
        found = try ForeignRecipe(
          json: members, under: key, prompt: isNovelAI ? metadata["Description"] : nil)
      } else if key == Key.parameters {
        found = ForeignRecipe(WebUIText(parsing: text))
      } else if key == "Dream" {
        throw .foreignSettings(program: "InvokeAI 1 or 2", reason: "its commands are not read")
      }
    }
    guard let found else { return nil }
    self.init(found.values, by: found.program, notes: found.notes)
  }

  /// Where programs keep their settings: the most exact first. ComfyUI's "workflow" is what its
  /// window shows, and "prompt" what was computed.
  private static let keys = [
    Key.parameters, "prompt", "invokeai_metadata", "sd-metadata", "Comment", "comment", "Dream",
    "workflow", "invokeai_graph",
  ]
}
