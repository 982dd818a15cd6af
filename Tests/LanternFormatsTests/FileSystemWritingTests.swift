import LanternPlatform
import Foundation
import LanternFormats
import Testing

@Suite struct FileSystemWritingTests {
  @Test("a full pipe that does not block is waited for, and nothing is lost or doubled")
  func waits() async throws {
    let pipe = Pipe()
    let writer = pipe.fileHandleForWriting.fileDescriptor
    _ = fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK)
    // A pipe holds 64 KiB.
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    let reading = Task.detached {
      usleep(100_000)
      return pipe.fileHandleForReading.readDataToEndOfFile()
    }
    let code = bytes.withUnsafeBytes { FileSystem.write($0, to: writer) }
    try pipe.fileHandleForWriting.close()
    #expect(code == 0)
    #expect(Array(await reading.value) == bytes)
  }

  @Test("what cannot be written says why")
  func says() throws {
    let file = open("/dev/null", O_RDONLY)
    defer { close(file) }
    #expect([1].withUnsafeBytes { FileSystem.write($0, to: file) } == EBADF)
  }
}
