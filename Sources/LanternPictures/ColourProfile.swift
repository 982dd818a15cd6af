/// The colour space of a file, where it is not sRGB. Lantern applies no profile, as diffusers
/// does not, and says so.
enum ColourProfile {
  /// The name in an ICC profile's description (ICC.1), or nil where it says that it is sRGB's.
  ///
  /// - Parameters:
  ///   - bytes: of the profile, or as many as there are.
  ///   - name: what it is called outside, where it has no description.
  /// - Returns: the name of a profile that is not sRGB's.
  static func other(inICC bytes: UnsafeBufferPointer<UInt8>, name: String) -> String? {
    let title = description(ByteReader(bytes: bytes)) ?? name
    let words = title.lowercased()
    return words.contains("srgb") ? nil : title
  }

  /// The reason why a PNG's numbers are not sRGB's, of its chunks `gAMA` and `cHRM`.
  static func other(gamma: Int?, primaries: [Int]?) -> String? {
    if let gamma, abs(gamma - 45_455) > 700 { return "gAMA \(Double(gamma) / 100_000)" }
    let sRGB = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]
    if let primaries, zip(primaries, sRGB).contains(where: { abs($0 - $1) > 1_000 }) {
      return "cHRM"
    }
    return nil
  }

  private static func description(_ profile: ByteReader) -> String? {
    for tag in 0..<min(profile.integer(128, 4) ?? 0, 100) {
      let offset = 132 + 12 * tag
      guard profile.integer(offset, 4) == 0x6465_7363, let start = profile.integer(offset + 4, 4)
      else { continue }
      switch profile.integer(start, 4) {
      case 0x6465_7363:  // desc
        guard let count = profile.integer(start + 8, 4),
          let text = profile.slice(start + 12, min(count, 80))
        else { return nil }
        return shown(text.prefix { $0 != 0 })
      case 0x6D6C_7563:  // mluc: the first language's, UTF-16
        guard let count = profile.integer(start + 20, 4),
          let offset = profile.integer(start + 24, 4),
          let text = profile.slice(start + offset, min(count, 160) & ~1)
        else { return nil }
        return shown(text.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
      default: return nil
      }
    }
    return nil
  }

  /// A name as it may be shown: plain letters alone.
  static func shown(_ bytes: some Sequence<UInt8>) -> String? {
    let plain = bytes.filter { (0x20..<0x7F).contains($0) }
    return plain.isEmpty ? nil : String(decoding: plain, as: UTF8.self)
  }
}
