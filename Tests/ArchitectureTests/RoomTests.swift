import Testing

/// Which room may import which: CONTRIBUTING and Package.swift say the same.
@Suite struct RoomTests {
  /// Bottom to top.
  static let rooms: KeyValuePairs<String, Set<String>> = [
    "CLanternKernels": [],
    "CLanternPictures": ["CPNG", "CJPEG"],
    "LanternPlatform": [],
    "LanternTensor": ["LanternPlatform", "CLanternKernels"],
    "LanternFormats": ["LanternPlatform", "LanternTensor"],
    "LanternLayers": ["LanternPlatform", "LanternTensor", "LanternFormats"],
    "LanternTokenizers": ["LanternPlatform", "LanternFormats"],
    "LanternModels": ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers"],
    "LanternSamplers": ["LanternPlatform", "LanternTensor", "LanternFormats"],
    "LanternDecoding": ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers"],
    "LanternPictures": ["LanternPlatform", "LanternTensor", "LanternFormats", "CLanternPictures"],
    "Lantern": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternTokenizers",
      "LanternModels",
      "LanternSamplers", "LanternDecoding", "LanternPictures", "Dispatch", "FoundationEssentials",
      "Foundation",
    ],
    "LanternHub": [
      "LanternPlatform", "LanternFormats", "Lantern", "AsyncHTTPClient", "NIOCore", "NIOHTTP1",
      "NIOPosix",
    ],
    "LanternEvaluation": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternModels",
      "LanternPictures",
      "Lantern",
    ],
    "LanternBench": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternModels",
      "LanternSamplers",
      "LanternPictures",
      "Lantern", "LanternEvaluation",
    ],
    "LanternServer": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers",
      "LanternSamplers", "LanternPictures", "Lantern", "LanternHub", "FoundationEssentials",
      "Foundation", "GRDB", "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "HTTPTypes",
      "Logging", "NIOCore",
      "NIOSSL",
      "ServiceLifecycle", "UnixSignals",
    ],
    "LanternLibrary": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers", "CLanternPictures",
      "Lantern", "LanternHub", "AsyncHTTPClient", "GRDB", "GRDBSQLite", "NIOCore",
      "NIOHTTP1",
    ],
    "LanternCLI": [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternTokenizers",
      "LanternModels",
      "LanternSamplers", "LanternDecoding", "LanternPictures", "Lantern", "LanternHub",
      "LanternEvaluation", "LanternBench", "LanternServer", "LanternLibrary", "ArgumentParser",
      "Dispatch",
    ],
  ]
  /// Whose names differ between systems: LanternPlatform knows them, and nobody else asks.
  static let system: Set<String> = ["Darwin", "Glibc", "Musl"]

  @Test("Package.swift grants each room what this table grants")
  func package() throws {
    let names = Set(Self.rooms.map(\.key))
    let text = SourceTree.file("Package.swift").text
    let list = try #require(text.firstMatch(of: /let rooms(?s:.*?)\n\]\n/)).output
    var found: [String: Set<String>] = [:]
    for row in list.matches(of: /\(\s*"(\w+)",\s*\[([^\]]*)\]/) {
      found[String(row.output.1)] = Self.quoted(row.output.2)
    }
    for name in ["CLanternPictures", "LanternCLI"] {
      let row = try #require(
        text.firstMatch(of: Regex("name: \"\(name)\",\\s*dependencies: \\[([^\\]]*)\\]")))
      found[name] = Self.quoted(row.output[1].substring ?? "")
    }
    found["CLanternKernels"] = []
    #expect(Set(found.keys) == names)
    for (room, allowed) in Self.rooms {
      #expect(found[room]?.intersection(names) == allowed.intersection(names), "\(room)")
    }
  }

  @Test("CONTRIBUTING shows the rooms of this table, in its order")
  func documents() {
    let text = SourceTree.file("CONTRIBUTING.md").text
    let shown = text.matches(of: /\n\| `(\w+)` \|/).map { String($0.output.1) }
    #expect(shown == Self.rooms.map(\.key).filter { $0 != "CLanternPictures" })
  }

  private static func quoted(_ text: Substring) -> Set<String> {
    Set(text.matches(of: /"([^"]+)"/).map { String($0.output.1) })
  }

  @Test("a room imports only rooms that the table grants it")
  func imports() {
    let granted = Dictionary(uniqueKeysWithValues: Self.rooms.map { ($0.key, $0.value) })
    for file in SourceTree.swiftSources {
      let room = String(file.path.split(separator: "/")[1])
      guard let allowed = granted[room] else {
        Issue.record("\(file): the room \(room) is not in the table")
        continue
      }
      let system = room == "LanternPlatform" ? Self.system : []
      for module in Self.imports(file) where !allowed.union(system).contains(module) {
        Issue.record("\(file) imports \(module), which the table does not grant to \(room)")
      }
    }
  }

  @Test("no file needs Foundation but those that let apps show errors and hand bytes to SQLite")
  func foundation() {
    let files = SourceTree.swiftSources.filter {
      !Set(Self.imports($0)).isDisjoint(with: Self.apple)
    }
    #expect(
      files.map(\.path).sorted() == [
        "Sources/Lantern/LocalizedErrors.swift", "Sources/LanternServer/Store/ResultStore.swift",
      ])
  }

  private static let apple: Set<String> = ["Foundation", "FoundationEssentials"]

  @Test("the table grants only what stands further up in it")
  func upward() {
    var above: Set<String> = []
    let names = Set(Self.rooms.map(\.key))
    for (room, allowed) in Self.rooms {
      #expect(allowed.intersection(names).subtracting(above).isEmpty, "\(room)")
      above.insert(room)
    }
  }

  @Test("every folder of Sources is a room of the table or a system library's map")
  func folders() {
    let known = Set(Self.rooms.map(\.key)).union(["CPNG", "CJPEG"])
    #expect(Set(SourceTree.names(in: "Sources")).subtracting(known).isEmpty)
  }

  private static func imports(_ file: SourceTree.File) -> [String] {
    file.code.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index < 3, index + 1 < words.count,
        words[..<index].allSatisfy({ $0.hasPrefix("@") || access.contains($0) })
      else { return nil }
      return words[index + 1].split(separator: ".").first.map(String.init)
    }
  }

  private static let access: Set<Substring> = ["public", "package", "internal", "private"]
}
