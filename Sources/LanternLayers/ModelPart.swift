import LanternPlatform
internal import LanternTensor

/// A part of a model that is loaded on first use and cached until it is released.
package final class ModelPart<Model: Sendable, Failure: Error>: Sendable {
  private let read: @Sendable () throws(Failure) -> Model
  private let cached = Locked<Model?>(nil)

  /// - Parameter read: loads the part; called again after ``release()``.
  package init(_ read: @escaping @Sendable () throws(Failure) -> Model) { self.read = read }

  /// The part, loaded now if it is not cached.
  ///
  /// - Returns: the part.
  /// - Throws: what reading throws.
  package func callAsFunction() throws(Failure) -> Model {
    try cached { cached throws(Failure) in
      if let cached { return cached }
      let model = try read()
      cached = model
      return model
    }
  }

  /// Drops the cached part; its memory is freed with the last reference.
  package func release() { cached { $0 = nil } }
}
