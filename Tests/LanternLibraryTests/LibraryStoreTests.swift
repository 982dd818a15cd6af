import Foundation
import LanternFormats
import LanternLibrary
import LanternPlatform
import TestSupport
import Testing

/// What a library keeps, whatever happens meanwhile.
@Suite struct LibraryStoreTests {
  /// Collects what happens.
  private final class Log {
    var events: [LibraryEvent] = []
  }

  private func add(
    _ path: String, to folder: LibraryFolder, pageLimit: Int? = nil,
    check: @escaping () throws -> Void = {}
  ) throws -> [LibraryEvent] {
    let log = Log()
    let library = LibraryImport(
      try LibraryWriter("x", in: folder, pageLimit: pageLimit), check: check,
      onEvent: { log.events.append($0) })
    try library.add(path: path)
    return log.events
  }

  private func write(_ text: String, to path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  /// Nothing but what is there: as many words in the index as passages have.
  private func expectWhole(_ folder: LibraryFolder, passages: Int) throws {
    let library = try Library("x", in: folder)
    #expect(try library.counts().passages == passages)
    let search = try LibrarySearch(library)
    let found = try search.search("common", top: 1000, method: .bm25)
    #expect(found.count == passages)
  }

  @Test("a document is added once, replaced when it changed, and removed with what it alone has")
  func incremental() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root + "/libraries")
      try FileManager.default.createDirectory(
        atPath: root + "/notes/deep/.hidden", withIntermediateDirectories: true)
      let notes = LibraryImport.absolute(root + "/notes")
      try write("# A\ncommon one\n# B\ncommon two", to: notes + "/a.md")
      try write("common two\n\ncommon three", to: notes + "/deep/b.txt")
      try write("common nine", to: notes + "/deep/.hidden/c.txt")
      try write("no document", to: notes + "/x.swift")
      try FileManager.default.createSymbolicLink(
        atPath: notes + "/deep/loop", withDestinationPath: notes)
      #expect(
        try add(notes, to: folder) == [
          .added(source: notes + "/a.md", title: "A", passages: 2, new: 2),
          .added(source: notes + "/deep/b.txt", title: nil, passages: 1, new: 1),
        ])
      #expect(
        try add(notes, to: folder) == [
          .unchanged(source: notes + "/a.md"), .unchanged(source: notes + "/deep/b.txt"),
        ])
      try write("# C\ncommon two", to: notes + "/c.md")
      try write("# A\ncommon one\n# B\ncommon two", to: notes + "/d.md")
      try write("# A\ncommon one\n# B\ncommon four", to: notes + "/a.md")
      #expect(
        try add(notes, to: folder) == [
          .added(source: notes + "/a.md", title: "A", passages: 2, new: 1),
          .added(source: notes + "/c.md", title: "C", passages: 1, new: 1),
          .added(source: notes + "/d.md", title: "A", passages: 2, new: 0),
          .unchanged(source: notes + "/deep/b.txt"),
        ])
      // one, two, four, and two with three.
      try expectWhole(folder, passages: 4)
      #expect(
        try add(notes, to: folder).first == .unchanged(source: notes + "/a.md"))
      do {
        let writer = try LibraryWriter("x", in: folder)
        try writer.remove(notes + "/c.md")
        try writer.remove(notes + "/a.md")
        #expect {
          try writer.remove(notes + "/e.md")
        } throws: { error in
          "\(error)".contains("did you mean")
        }
      }
      try expectWhole(folder, passages: 3)
      let sources = try Library("x", in: folder).documents().map(\.source)
      #expect(sources == [notes + "/d.md", notes + "/deep/b.txt"])
      #expect(folder.names == ["x"])
      try folder.remove("x")
      #expect(folder.names.isEmpty && !FileManager.default.fileExists(atPath: folder.path + "/x"))
    }
  }

  @Test("the same bytes under another name are noted, and no second document")
  func duplicates() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root + "/libraries")
      let root = LibraryImport.absolute(root)
      try write("common", to: root + "/a.txt")
      try write("common", to: root + "/b.txt")
      _ = try add(root + "/a.txt", to: folder)
      #expect(
        try add(root + "/b.txt", to: folder) == [
          .duplicate(source: root + "/b.txt", of: root + "/a.txt")
        ])
    }
  }

  @Test("a damaged file of a folder is left out with a note, and one that is named is an error")
  func damaged() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root + "/libraries")
      let notes = LibraryImport.absolute(root)
      try write("no archive", to: notes + "/a.docx")
      try write("common", to: notes + "/b.txt")
      let events = try add(notes, to: folder)
      #expect(events.count == 2)
      if case .skipped(let source, let reason) = events.first {
        #expect(source == notes + "/a.docx" && reason.contains("ZIP"))
      } else {
        Issue.record("\(events)")
      }
      #expect(throws: LibraryError.self) { try add(notes + "/a.docx", to: folder) }
      #expect(throws: LibraryError.self) { try add(notes + "/none.txt", to: folder) }
      #expect(throws: LibraryError.self) { try add(fixture("pictures.safetensors"), to: folder) }
      try expectWhole(folder, passages: 1)
    }
  }

  @Test("an import that is stopped goes on where it was")
  func resumed() throws {
    struct Stopped: Error {}
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root + "/libraries")
      let notes = root + "/notes"
      try FileManager.default.createDirectory(atPath: notes, withIntermediateDirectories: true)
      for index in 0..<9 { try write("common word\(index)", to: notes + "/\(index).txt") }
      var rest = 4
      #expect(throws: Stopped.self) {
        try add(notes, to: folder) {
          rest -= 1
          if rest == 0 { throw Stopped() }
        }
      }
      try expectWhole(folder, passages: 3)
      let events = try add(notes, to: folder)
      #expect(events.count { if case .unchanged = $0 { true } else { false } } == 3)
      try expectWhole(folder, passages: 9)
    }
  }

  @Test("a full disk is one error, and the library is as it was before the document")
  func full() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root + "/libraries")
      try write("common", to: root + "/a.txt")
      _ = try add(root + "/a.txt", to: folder)
      let large = (0..<4000).map { "# \($0)\ncommon word\($0)x" }.joined(separator: "\n")
      try write(large, to: root + "/b.md")
      #expect {
        try add(root + "/b.md", to: folder, pageLimit: 60)
      } throws: { error in
        if case LibraryError.cannotWrite = error {
          "\(error)".contains("free some space")
        } else {
          false
        }
      }
      try expectWhole(folder, passages: 1)
      _ = try add(root + "/b.md", to: folder)
      #expect(try Library("x", in: folder).counts().passages == 4001)
    }
  }

  @Test("one writes at a time, and others read meanwhile")
  func writers() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root)
      let writer = try LibraryWriter("x", in: folder)
      #expect(throws: LibraryError.inUse(library: "x")) { _ = try LibraryWriter("x", in: folder) }
      #expect(throws: LibraryError.inUse(library: "x")) { try folder.remove("x") }
      #expect(try Library("x", in: folder).counts().documents == 0)
      try writer.add(
        LibraryWriter.NewDocument(source: "a", checksum: "a", passages: [Passage(text: "common")]))
      try expectWhole(folder, passages: 1)
    }
  }

  @Test("names that lead elsewhere, missing libraries and files that are none are refused")
  func refusals() throws {
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root)
      for name in ["", "..", ".x", "a/b", "-x", String(repeating: "a", count: 65), "a b"] {
        #expect(throws: LibraryError.badName(name)) { _ = try Library(name, in: folder) }
      }
      _ = try LibraryWriter("animals", in: folder)
      #expect {
        _ = try Library("animal", in: folder)
      } throws: { error in
        "\(error)".contains("did you mean \"animals\"?")
      }
      try FileManager.default.createDirectory(
        atPath: root + "/bad", withIntermediateDirectories: true)
      try write(String(repeating: "no database ", count: 1000), to: root + "/bad/library.sqlite")
      #expect {
        _ = try Library("bad", in: folder).counts()
      } throws: { error in
        if case LibraryError.damagedLibrary = error { true } else { false }
      }
    }
  }
}
