package import Lantern
import LanternFormats
import LanternPlatform

/// A hub of models (https://huggingface.co and mirrors that speak its protocol), and the cache on this machine
/// that Python's `huggingface_hub` shares.
package struct Hub: Sendable {
  private let settings: HubSettings

  /// A hub.
  package init(_ settings: HubSettings) { self.settings = settings }

  /// Fetches a model, or a file of one, into the cache, as far as it is not there. Cancelling its task stops
  /// the work within one block of bytes; what came is kept for the next time.
  ///
  /// - Parameters:
  ///   - reference: which.
  ///   - variant: of weights, as `fp16`; nil for the plain ones.
  ///   - onEvent: told of what happens.
  /// - Returns: the path of the model's folder, or of its file.
  /// - Throws: ``HubError`` or `CancellationError`. Nothing half-fetched has its name then, and a branch's
  ///   name means what it meant before.
  package func pull(
    _ reference: HubReference, variant: String? = nil,
    onEvent: @escaping @Sendable (PullEvent) -> Void = { _ in }
  ) async throws -> String {
    if let variable = settings.offlineVariable {
      guard let path = settings.cache.path(of: reference) else {
        throw HubError.offline(name: reference.text, variable: variable)
      }
      onEvent(.note("\(variable): nothing is fetched, and newer files are not looked for"))
      return path
    }
    do {
      return try await HubConnection.with(settings, onEvent) { connection in
        try await Pull(reference, variant: variant, connection, onEvent).run()
      }
    } catch let error as FormatError {
      throw HubError.format(error)
    }
  }
}
