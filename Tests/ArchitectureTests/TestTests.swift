import Testing

/// What holds of the tests themselves.
@Suite struct TestTests {
  @Test("every fixture has the script that makes it, and a test that reads it")
  func fixtures() {
    let tests = SourceTree.files(in: "Tests", ["swift"]).map(\.text).joined()
    for name in SourceTree.names(in: "Tests/Fixtures") {
      let stem = name.prefix { $0 != "." }
      let script = SourceTree.file("tools/fixtures/\(stem).py").text
      #expect(!script.isEmpty, "\(name) has no tools/fixtures/\(stem).py")
      #expect(script.contains(stem), "tools/fixtures/\(stem).py does not name \(name)")
      #expect(tests.contains(stem), "no test reads \(name)")
    }
  }

  @Test("every script of fixtures makes one that is there")
  func scripts() {
    let stems = Set(SourceTree.names(in: "Tests/Fixtures").map { $0.prefix { $0 != "." } })
    for name in SourceTree.names(in: "tools/fixtures") where name.hasSuffix(".py") {
      #expect(stems.contains(name.prefix { $0 != "." }), "tools/fixtures/\(name)")
    }
  }

  @Test("every test has a sentence for a name")
  func sentences() {
    for file in SourceTree.files(in: "Tests", ["swift"]) {
      for found in file.text.matches(of: /@Test\b(?!\(\s*")/) {
        let line = file.text[..<found.range.lowerBound].split(
          omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).last
        let isCode = line?.allSatisfy(\.isWhitespace) ?? true
        #expect(!isCode, "\(file) has a test without a name")
      }
    }
  }
}
