import Lantern

/// What happens while a model is fetched.
package enum PullEvent: Sendable, Equatable {
  /// The hub told what there is, and what of it is wanted.
  case found(model: RemoteModel.Name, licence: String?, files: Int, byteCount: Int, missing: Int)
  /// Bytes of the missing ones that have come, of how many; the number of a file, of how many.
  case progress(bytes: Int, of: Int, file: Int, files: Int)
  /// A file is there.
  case file(path: String, byteCount: Int, wasCached: Bool)
  /// What has no effect, or another one than may be expected.
  case note(String)
  /// Nothing happens for some seconds.
  case waiting(seconds: Double, reason: String)

  /// As servers read who asks.
  static let program = "lantern/\(LanternVersion.number)"
}
