public import LanternPictures

/// An IP-Adapter, and a picture that stands next to the prompt by it: the drawn one takes up what it shows, and
/// how (Ye et al. 2023, arXiv:2308.06721).
///
/// ```swift
/// var prompt = ImagePrompt(adapter: "ip-adapter_sd15.safetensors", picture: try Picture(contentsOf: "cat.png"))
/// prompt.scale = 0.6
/// request.imagePrompts = [prompt]
/// ```
public struct ImagePrompt: Sendable, Equatable {
  /// The adapter: a file of weights.
  public var adapter: String
  /// CLIP's vision encoder, a folder or a file; when nil the model's `image_encoder`, or the one in the folder
  /// of the adapter.
  public var encoder: String?
  /// The picture, of which the encoder sees the middle square. A recipe does not have it.
  public var picture: Picture?
  /// How much it counts next to the words, 0…10.
  public var scale: Float = 1
  /// The share of the steps after which it counts, 0…1.
  public var start = 0.0
  /// The share of the steps up to which it counts, 0…1.
  public var end = 1.0
  /// Where in the drawn picture it counts (white); everywhere when nil. A recipe says only that there was one.
  public var mask: Mask?
  /// Whether it had a mask in the picture that is drawn again.
  package var hadMask = false

  /// A picture next to the prompt.
  public init(adapter: String, picture: Picture?) {
    (self.adapter, self.picture) = (adapter, picture)
  }

  /// Whether it counts in a step, by its number from 0, of how many.
  func isActive(_ step: Int, of count: Int) -> Bool {
    Control.holds(step, of: count, from: start, to: end)
  }

  /// The adapter's name without the folder it is in.
  package var name: String { LoRA(adapter).name }
}
