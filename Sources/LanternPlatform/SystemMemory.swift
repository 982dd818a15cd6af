/// The memory of the machine.
package enum SystemMemory {
  /// Bytes that programs may have: free ones, those with copies of files, and those that others' may be swapped out to; all
  /// there are where the system does not say. Nil where nothing is known.
  package static var available: Int? {
    #if os(Linux)
      let swap = number(behind: "SwapFree:", in: "/proc/meminfo") ?? 0
      let found = [
        number(behind: "MemAvailable:", in: "/proc/meminfo").map { ($0 + swap) * 1024 },
        // Of a container.
        number(behind: "", in: "/sys/fs/cgroup/memory.max"),
      ]
      return found.compactMap { $0 }.min()
    #elseif canImport(Darwin)
      var (bytes, size) = (UInt64(0), MemoryLayout<UInt64>.size)
      return sysctlbyname("hw.memsize", &bytes, &size, nil, 0) == 0 ? Int(clamping: bytes) : nil
    #else
      return nil
    #endif
  }

  /// The number behind a word that begins a line; nil where there is none.
  private static func number(behind word: String, in path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(cString: line)
      guard text.hasPrefix(word) else { continue }
      let rest = text.dropFirst(word.count).split { $0 == " " || $0 == "\n" }
      return rest.first.flatMap { Int($0) }
    }
    return nil
  }
}
