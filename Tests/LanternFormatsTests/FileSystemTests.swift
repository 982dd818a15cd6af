import LanternPlatform
import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

@Suite("What is no file is refused at once, and what cannot be seen is not absent")
struct FileSystemTests {
  /// Pipes, devices and folders by name, and one open pipe.
  private func withOthers(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      let link = folder + "/link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: pipe)
      for path in [pipe, link, folder, "/dev/zero", "/dev/null"] { try body(path) }
    }
  }

  @Test("a pipe, a device or a folder in place of a file to read", .timeLimit(.minutes(1)))
  func reading() throws {
    try withOthers { path in
      let error = FormatError.notAFile(path: path)
      #expect(throws: error) { try FileSystem.read(path, limit: 10) }
      #expect(throws: error) { try FileSystem.read(path, limit: 10, isPipeAllowed: true) }
      #expect(throws: error) { try JSON.read(path) }
      #expect(throws: error) { try SafetensorsFile(path) }
      #expect(throws: error) { try TorchFile(path) }
    }
  }

  @Test("a pipe that is open already is read to its end where that is allowed")
  func openPipe() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let path = "/dev/fd/\(ends[0])"
    #expect(write(ends[1], "abc", 3) == 3)
    #expect(throws: FormatError.notAFile(path: path)) { try FileSystem.read(path, limit: 10) }
    close(ends[1])
    ends[1] = open("/dev/null", O_RDONLY)
    #expect(try FileSystem.read(path, limit: 10, isPipeAllowed: true) == Array("abc".utf8))
  }

  @Test("a pipe or a disk by name in place of a file to write", .timeLimit(.minutes(1)))
  func writing() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let error = FormatError.cannotHoldFile(path: path)
      #expect(throws: error) { try FileSystem.checkFolder(of: path) }
      #expect(throws: error) { try AtomicFile.write([1], to: path) }
    }
    try FileSystem.checkFolder(of: "/dev/null")
    try AtomicFile.write([1], to: "/dev/null")
  }

  @Test("an open pipe is written to")
  func writingToOpenPipe() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    try AtomicFile.write([1, 2, 3], to: "/dev/fd/\(ends[1])")
    var bytes: [UInt8] = [0, 0, 0, 0]
    #expect(read(ends[0], &bytes, 4) == 3 && bytes == [1, 2, 3, 0])
  }

  @Test("what the system does not let be seen counts as there, and opening it tells why")
  func unseen() throws {
    try withTemporaryFolder { folder in
      let loop = folder + "/loop"
      try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
      let long = folder + "/" + String(repeating: "x", count: 300)
      try AtomicFile.write([1], to: folder + "/file")
      for (path, code) in [(loop, ELOOP), (long, ENAMETOOLONG)] {
        #expect(FileSystem.exists(path))
        let error = FormatError.cannotRead(path: path, code: code)
        #expect(throws: error) { try FileSystem.read(path, limit: 1) }
        #expect(throws: error) { try TensorArchive(folder: path, stems: ["model"]) }
        #expect(throws: FormatError.cannotWrite(path: path, code: code)) {
          try FileSystem.checkFolder(of: path)
        }
      }
      for path in ["/none", "/file/inside"] { #expect(!FileSystem.exists(folder + path)) }
    }
  }

  @Test("a folder of another user's is not an empty one", .enabled(if: getuid() != 0))
  func closedFolder() throws {
    try withTemporaryFolder { folder in
      let inside = folder + "/inside"
      try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: false)
      chmod(inside, 0)
      defer { chmod(inside, 0o700) }
      #expect(FileSystem.exists(inside + "/model.safetensors"))
      #expect(throws: FormatError.cannotRead(path: inside, code: EACCES)) {
        try FileSystem.list(inside)
      }
    }
  }

  @Test("the file that was cut short is known by its name")
  func cutShort() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/short"
      try AtomicFile.write(Array(repeating: 1, count: 100), to: path)
      let storage = try FileSystem.map(path)
      #expect(truncate(path, 50) == 0)
      #expect(MappedFiles.firstCutShort().map { String(cString: $0) } == path)
      withExtendedLifetime(storage) {}
    }
  }
}
