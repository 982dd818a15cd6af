import ArgumentParser

/// The name of a file or folder, as an option or argument takes it.
enum FileArgument {
  /// The name; an empty one, as a shell makes of a variable without a value, is none.
  ///
  /// - Throws: ``ValidationError``.
  static func named(_ text: String) throws -> String {
    guard !text.isEmpty else { throw ValidationError("give the name of a file or folder") }
    return text
  }
}
