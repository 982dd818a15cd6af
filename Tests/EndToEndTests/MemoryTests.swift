import Foundation
import LanternPictures
import TestSupport
import Testing

/// Memory that the system refuses.
@Suite struct MemoryTests {
  /// Runs with so many KiB of addresses.
  private func run(_ arguments: [String], _ limit: Int, in folder: String) throws -> Program.Run {
    try Program.run(arguments, in: folder, shell: "ulimit -v \(limit); exec \"$@\"")
  }

  @Test("pictures that there is no memory for end in one line and exit code 71, never in a signal")
  func pictures() throws {
    #if os(Linux)
      try withTemporaryFolder { folder in
        let (width, height) = (4096, 2048)
        let large = try Picture(
          width: width, height: height,
          pixels: [UInt8](repeating: 90, count: 3 * width * height))
        try large.write(to: folder + "/large.png")
        try large.write(to: folder + "/large.jpg")
        try Picture(width: 1, height: 1, pixels: [1, 2, 3]).write(to: folder + "/small.png")
        var minimum = 64 << 10
        while try run(["inspect", "small.png"], minimum, in: folder).code != 0 {
          minimum += 16 << 10
          try #require(minimum < 4 << 20)
        }
        for file in ["large.png", "large.jpg"] {
          var codes: Set<Int32?> = []
          for more in stride(from: 0, through: 96, by: 12) {
            for command in [["inspect", file], ["sheet", file, file, "-o", "s.jpg"]] {
              let found = try run(command, minimum + more << 10, in: folder)
              #expect([0, 71].contains(found.code), "\(command) \(more): \(found.errors)")
              if found.code == 71 { #expect(found.errors.hasPrefix("Error: out of memory")) }
              codes.insert(found.code)
            }
          }
          #expect(codes.contains(71))
        }
      }
    #endif
  }
}
