import Testing

/// The field's words, so that whoever knows them can search for them here.
@Suite struct WordTests {
  /// Folders and documents, and words that they do without, each with the field's own for it.
  private static let rooms: [(paths: [String], words: KeyValuePairs<String, String>)] = [
    (
      ["Sources/CLanternKernels", "docs/kernels.md"],
      [
        "whole number": "integer, int16, int8", "whole numbers": "integers, int16, int8",
        "halves": "f16, or two parts", "beside": "hooks, prefetch plan, next to",
        "left side": "A", "let go": "release", "lets go": "releases",
        "ask for": "prefetch", "asks for": "prefetches", "asked for": "prefetched",
        "places": "positions, tile points, indices", "seen": "attended to, read",
        "weigh": "softmax", "weighs": "softmax", "told": "called back, output",
      ]
    ),
    (
      ["Sources", "docs", "README.md", "CONTRIBUTING.md"],
      [
        "whole number": "integer", "whole numbers": "integers, int16, int8",
        "let go": "release", "lets go": "releases", "letgo": "release", "letencodergo": "release",
        "keepsparts": "retainsComponents", "remember": "cache", "remembers": "caches",
        "remembering": "cache", "whoever": "the reader, the caller", "somebody": "a reader",
        "told apart": "recognised, distinguished", "which is told": "with a note",
        "lie askew": "are unaligned", "asked for": "requested, read, allocated",
        "in the making": "that is being written",
      ]
    ),
    // Notes of kernels and of training may have it: there things stand beside one another.
    (
      ["Sources", "docs/performance.md", "docs/samplers.md", "docs/stories.md", "README.md"],
      ["beside": "next to, against, in addition to, with"]
    ),
    (
      ["Sources/LanternTensor", "Sources/LanternFormats", "Sources/LanternLayers"],
      [
        "place of": "position, index, path, offset", "places": "positions, indices, prefixes",
        "told": "recognised, noted", "seen": "attended to, read", "asks": "reads, checks",
      ]
    ),
    (
      ["Sources/LanternModels", "Sources/LanternDecoding"],
      [
        "told": "captioned, conditioned on", "seen": "attended to", "sees": "attends to",
        "memory for": "KV cache", "asks": "evaluates",
      ]
    ),
  ]

  @Test("no room uses a word of its own where the field has one")
  func words() {
    for room in Self.rooms {
      let files = room.paths.flatMap { path in
        path.contains(".")
          ? [SourceTree.file(path)] : SourceTree.files(in: path, ["swift", "c", "h", "inc", "md"])
      }
      #expect(files.count >= room.paths.count)
      for file in files {
        let text = Self.spaced(file.text)
        for (word, better) in room.words where text.contains(" \(word) ") {
          Issue.record("\(file) says \"\(word)\": \(better)")
        }
      }
    }
  }

  @Test("a word is found in names, at the ends of lines and in comments, and not in other words")
  func finding() {
    #expect(Self.spaced("has_halves").contains(" halves "))
    #expect(Self.spaced("// Whole\n  /// numbers.").contains(" whole numbers "))
    #expect(!Self.spaced("besides").contains(" beside "))
  }

  /// Letters in lower case, and a single space for what lies between them.
  private static func spaced(_ text: String) -> String {
    let words = text.lowercased().split { !$0.isLetter }
    return " \(words.joined(separator: " ")) "
  }
}
