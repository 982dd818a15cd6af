import LanternPlatform
internal import LanternTensor

/// A part of a model that is read when it is first needed, and may be let go while nothing needs it.
package final class ModelPart<Model: Sendable, Failure: Error>: Sendable {
  private let read: @Sendable () throws(Failure) -> Model
  private let held = Locked<Model?>(nil)

  /// - Parameter read: makes it; called again after it was let go.
  package init(_ read: @escaping @Sendable () throws(Failure) -> Model) { self.read = read }

  /// The part, read now if it is not there.
  ///
  /// - Returns: the part.
  /// - Throws: what reading throws.
  package func callAsFunction() throws(Failure) -> Model {
    try held { held throws(Failure) in
      if let held { return held }
      let model = try read()
      held = model
      return model
    }
  }

  /// Gives its memory back, once nobody else holds it.
  package func letGo() { held { $0 = nil } }
}
