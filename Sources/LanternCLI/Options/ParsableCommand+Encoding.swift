import ArgumentParser

extension ParsableCommand {
  /// Swift mends what is not UTF-8, and would draw something else than the prompt says.
  func checkEncoding() throws {
    for index in 0..<Int(CommandLine.argc) {
      guard let argument = CommandLine.unsafeArgv[index] else { continue }
      if String(validatingCString: argument) == nil {
        throw ValidationError("argument \(index) is not text in UTF-8")
      }
    }
  }
}
