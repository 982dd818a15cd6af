public import LanternPictures

/// A reference: a picture that models such as FLUX.1 Kontext and FLUX.2 klein take up what they draw from.
///
/// ```swift
/// request.references = [ReferencePicture(name: "cat.png", picture: try Picture(contentsOf: "cat.png"))]
/// ```
public struct ReferencePicture: Sendable, Equatable {
  /// What errors and recipes call it: a file's name without its folder.
  public var name: String
  /// The picture. A recipe does not have it.
  public var picture: Picture?

  /// A reference.
  public init(name: String, picture: Picture?) {
    (self.name, self.picture) = (name, picture)
  }
}
