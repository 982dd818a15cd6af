import LanternPlatform
import Foundation
import LanternFormats
import TestSupport
import Testing

@Suite("AtomicFile")
struct AtomicFileTests {
  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("a file is written, written over, and nothing else is left")
  func writes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/picture.png"
      try AtomicFile.write([1, 2, 3], to: path)
      #expect(try FileSystem.read(path, limit: 10) == [1, 2, 3])
      try AtomicFile.write([], to: path)
      #expect(try FileSystem.read(path, limit: 10) == [])
      #expect(try FileSystem.list(folder) == ["picture.png"])
    }
  }

  @Test("a new file has the mode of ordinary files, and an old one keeps its own")
  func keepsMode() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      try AtomicFile.write([1], to: path)
      let mask = umask(0)
      umask(mask)
      #expect(try mode(path) == Int(0o666 & ~mask))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      try AtomicFile.write([2], to: path)
      #expect(try mode(path) == 0o600)
    }
  }

  @Test("a file that is to be created leaves one that is there as it was")
  func creates() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      try AtomicFile.write([1], to: path, .create)
      #expect(throws: FormatError.cannotWrite(path: path, code: FileSystem.fileExists)) {
        try AtomicFile.write([2], to: path, .create)
      }
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link", withDestinationPath: folder + "/nothing")
      #expect(throws: FormatError.self) { try AtomicFile.write([2], to: folder + "/link", .create) }
      #expect(try FileSystem.read(path, limit: 10) == [1])
      #expect(try FileSystem.list(folder) == ["link", "x"])
    }
  }

  private func failHalfWay(_ path: String) throws(FormatError) {
    try AtomicFile.write(to: path) { writer throws(FormatError) in
      let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 1)
      defer { block.deallocate() }
      block.initializeMemory(as: UInt8.self, repeating: 9)
      try writer.write(UnsafeRawBufferPointer(block))
      throw .empty(path: "why")
    }
  }

  @Test("an error half-way leaves what was there before, and nothing else")
  func undoes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      try AtomicFile.write([1], to: path)
      #expect(throws: FormatError.empty(path: "why")) { try failHalfWay(path) }
      #expect(try FileSystem.read(path, limit: 10) == [1])
      #expect(try FileSystem.list(folder) == ["x"])
    }
  }

  @Test("a folder that is missing is to be made first")
  func namesMissingFolder() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/none/x.png"
      let error = #expect(throws: FormatError.self) { try AtomicFile.write([1], to: path) }
      #expect(error == .cannotWrite(path: path, code: ENOENT))
      #expect(error?.description.hasSuffix("make the folder first") == true)
      #expect(error?.description.hasPrefix(path) == true)
    }
  }

  @Test("a file cannot be a folder, nor a folder a file")
  func refusesFolders() throws {
    try withTemporaryFolder { folder in
      #expect(throws: FormatError.cannotWrite(path: folder, code: EISDIR)) {
        try AtomicFile.write([1], to: folder)
      }
      try AtomicFile.write([1], to: folder + "/x")
      let inside = folder + "/x/y"
      #expect(throws: FormatError.cannotWrite(path: inside, code: ENOTDIR)) {
        try AtomicFile.write([1], to: inside)
      }
      let slash = folder + "/new/"
      #expect(throws: FormatError.cannotWrite(path: slash, code: EISDIR)) {
        try AtomicFile.write([1], to: slash)
      }
      #expect(try FileSystem.list(folder) == ["x"])
    }
  }

  @Test("names as long as the system allows, and longer")
  func limitsNames() throws {
    try withTemporaryFolder { folder in
      let longest = folder + "/" + String(repeating: "é", count: 127)
      try AtomicFile.write([1], to: longest)
      #expect(FileSystem.exists(longest))
      let path = longest + "éé"
      #expect(throws: FormatError.cannotWrite(path: path, code: ENAMETOOLONG)) {
        try AtomicFile.write([1], to: path)
      }
      #expect(try FileSystem.list(folder).count == 1)
    }
  }

  @Test("a symbolic link stays one, and the file behind it is written")
  func followsLinks() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/real", withIntermediateDirectories: false)
      try AtomicFile.write([1], to: folder + "/real/x")
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link", withDestinationPath: "real/x")
      try AtomicFile.write([2], to: folder + "/link")
      #expect(try FileSystem.read(folder + "/real/x", limit: 10) == [2])
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == "real/x")
    }
  }

  @Test("a device is written to, not replaced")
  func writesToDevices() throws {
    try AtomicFile.write([1], to: "/dev/null")
    #expect(!FileSystem.isFile("/dev/null"))
    #expect(FileSystem.exists("/dev/null"))
  }

  @Test(
    "a full disk is told, and leaves nothing",
    .enabled(if: FileSystem.exists("/dev/full"), "this system has no /dev/full"))
  func tellsFullDisk() throws {
    let error = #expect(throws: FormatError.self) { try AtomicFile.write([1], to: "/dev/full") }
    #expect(error == .cannotWrite(path: "/dev/full", code: ENOSPC))
    #expect(error?.description.contains("free some space") == true)
  }

  @Test("what a process that was killed left is removed by the next write to its folder")
  func removesStrays() throws {
    try withTemporaryFolder { folder in
      let strays = [".x.\(getpid()).partial", ".other name.png.1.partial", ".y.12.7.partial"]
      let others = [".partial", ".x.partial", ".x.one.partial", "x.1.partial", ".x.1.partial.png"]
      for name in strays + others {
        #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil))
      }
      try FileManager.default.createDirectory(
        atPath: folder + "/.d.1.partial", withIntermediateDirectories: false)
      try AtomicFile.write([1], to: folder + "/x")
      #expect(try FileSystem.list(folder) == (others + [".d.1.partial", "x"]).sorted())
    }
  }

  @Test("a file that another writer is at is no stray")
  func sparesOthers() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(to: folder + "/x") { writer throws(FormatError) in
        try AtomicFile.write([2], to: folder + "/y")
        try AtomicFile.write([3], to: folder + "/x")
        try withUnsafeBytes(of: UInt8(4)) { bytes throws(FormatError) in try writer.write(bytes) }
      }
      #expect(try FileSystem.read(folder + "/x", limit: 10) == [4])
      #expect(try FileSystem.list(folder) == ["x", "y"])
    }
  }

  @Test("a file that is only to be created leaves one that is there, whatever it is")
  func createsOnly() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      try AtomicFile.write([1], to: path, .create)
      #expect(try FileSystem.read(path, limit: 10) == [1])
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link", withDestinationPath: "nowhere")
      for taken in [path, folder + "/link", folder] {
        #expect(throws: FormatError.cannotWrite(path: taken, code: EEXIST)) {
          try AtomicFile.write([2], to: taken, .create)
        }
      }
      // Another process is quicker, while this one writes.
      #expect(throws: FormatError.cannotWrite(path: folder + "/y", code: EEXIST)) {
        try AtomicFile.write(to: folder + "/y", .create) { _ throws(FormatError) in
          try AtomicFile.write([3], to: folder + "/y")
        }
      }
      #expect(try FileSystem.read(path, limit: 10) == [1])
      #expect(try FileSystem.read(folder + "/y", limit: 10) == [3])
      #expect(try FileSystem.list(folder) == ["link", "x", "y"])
    }
  }

  @Test("of many that create one name at once, one does")
  func createsOnce() async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/lantern-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let count = await withTaskGroup(of: Bool.self) { group in
      for writer in 0..<8 {
        group.addTask {
          (try? AtomicFile.write([UInt8(writer)], to: folder + "/x", .create)) != nil
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(count == 1)
    #expect(try FileSystem.list(folder) == ["x"])
  }

  @Test("many at once write one file, and each reader finds a whole one")
  func survivesCrowds() async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/lantern-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for _ in 0..<20 {
            let bytes = [UInt8](repeating: UInt8(writer), count: 10_000)
            try AtomicFile.write(bytes, to: folder + "/x")
            let found = try FileSystem.read(folder + "/x", limit: 1 << 20)
            #expect(found.count == 10_000 && Set(found).count == 1)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try FileSystem.list(folder) == ["x"])
  }
}
