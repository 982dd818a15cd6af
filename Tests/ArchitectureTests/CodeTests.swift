import Testing

/// What no file of Sources may have.
@Suite struct CodeTests {
  /// Where a class of ours vouches for its own thread safety.
  static let unchecked: Set<String> = [
    "Sources/LanternPlatform/Locked.swift", "Sources/LanternTensor/Storage.swift",
  ]
  /// Where a variable does: the kernels' table, chosen once, the count of interruptions, and what handlers of signals use.
  static let nonisolated: Set<String> = [
    "Sources/LanternCLI/Interruption.swift", "Sources/LanternCLI/LostFile.swift",
    "Sources/LanternFormats/MappedFiles.swift",
    "Sources/LanternTensor/Kernels/Kernels.swift",
  ]

  @Test("nothing traps on purpose: no forced unwrapping, try or cast, no fatalError")
  func traps() {
    for file in SourceTree.swiftSources {
      for (number, line) in file.code.split(
        omittingEmptySubsequences: false, whereSeparator: \.isNewline
      ).enumerated() {
        let forced = line.firstMatch(of: /[A-Za-z0-9_)\]}"?]!(?!=)/)
        let fatal = line.firstMatch(of: /\b(fatalError|unsafelyUnwrapped)\b/)
        if forced != nil || fatal != nil { Issue.record("\(file):\(number + 1): \(line)") }
      }
    }
  }

  @Test("only the listed files vouch for thread safety that the compiler cannot check")
  func threadSafety() {
    let files = SourceTree.swiftSources
    let unchecked = files.filter { $0.code.contains("@unchecked Sendable") }.map(\.path)
    #expect(Set(unchecked) == Self.unchecked)
    let nonisolated = files.filter { $0.code.contains("nonisolated(unsafe)") }.map(\.path)
    #expect(Set(nonisolated) == Self.nonisolated)
  }

  @Test("nothing is printed but by Console, which knows whether it arrived")
  func printing() {
    for file in SourceTree.swiftSources where file.path != "Sources/LanternCLI/Console.swift" {
      #expect(file.code.firstMatch(of: /(^|[^.\w])print\(/) == nil, "\(file)")
    }
  }

  @Test("only the command line and its options' rows speak of them: an app's users have none")
  func optionNames() {
    for file in SourceTree.swiftSources
    where !file.path.hasPrefix("Sources/LanternCLI/")
      && !file.path.hasPrefix("Sources/Lantern/Settings/")
      && file.path != "Sources/LanternTokenizers/PromptSyntax.swift"
    {
      for line in file.text.split(whereSeparator: \.isNewline)
      where !line.drop(while: \.isWhitespace).hasPrefix("//") {
        if line.firstMatch(of: /"[^"]*(?:^|[ (:"])--[a-z]/) != nil {
          Issue.record("\(file): \(line)")
        }
      }
    }
  }

  @Test("no file has more than 400 lines")
  func lengths() {
    for file in SourceTree.files(in: "Sources", ["swift", "c", "h", "inc"]) {
      let count = file.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        .count
      #expect(count <= 401, "\(file) has \(count - 1) lines: it asks to be two")
    }
  }

  @Test("no function has more than 60 lines")
  func functionLengths() {
    for file in SourceTree.swiftSources {
      for function in SourceTree.functions(in: file.code) where function.lines > 60 {
        Issue.record("\(file): \(function.name) has more than 60 lines: it asks to be two")
      }
    }
  }

  @Test("functions are counted from their first line to the brace that closes them")
  func counting() {
    let source = """
      protocol P { func asked(); init(asked: Int) }
      extension Q { static func == (a: Q, b: Q) -> Bool { a.x == b.x } }
      struct S {
        init?(_ a: Int = 2) {
          guard a > 0 else { return nil }
          self.init()
        }
        func outer<T>(
          _ body: () -> T = { T() }
        ) -> T where T: P {
          func inner() {
          }
          return body()
        }
      }
      """
    let found = SourceTree.functions(in: SourceTree.code(of: source))
    #expect(
      found.map { "\($0.name) \($0.lines)" } == ["== 1", "init 4", "outer 7", "inner 2"])
  }

  @Test("no committed text speaks of the machine it was written on")
  func machinePaths() {
    let kinds = ["swift", "c", "h", "inc", "py", "md", "sh", "yml", "toml"]
    let folders = ["Sources", "Tests", "tools", "training", "docs", "samples", "weights"]
    let files =
      folders.flatMap { SourceTree.files(in: $0, kinds) }
      + SourceTree.names(in: ".").map(SourceTree.file)
    let expression = /(?:^|[^\w.\/*])\/(?:work|root|home|Users|mnt)\/\w/.anchorsMatchLineEndings()
    for file in files {
      if let found = file.text.firstMatch(of: expression) {
        Issue.record("\(file) says \(found.output)")
      }
    }
  }

  @Test("code is told apart from comments and literals")
  func scrubbing() {
    let source = ##"""
      a // b!
      c /* d! */ "e!\("f!" + g("h"))!" i #"j"!"# k
      """##
    let words = SourceTree.code(of: source).split { $0.isWhitespace || $0 == "\"" }
    #expect(words == ["a", "c", "i", "k"])
  }
}
