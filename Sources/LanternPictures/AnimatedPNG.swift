import LanternFormats

/// An animated PNG (APNG, PNG's third edition, sections 11.3.6 and 5.4): frames of one size, one after another, again and
/// again. Programs that do not know it show the picture that the animation ends with.
public struct AnimatedPNG: Sendable {
  /// The data of each frame's `IDAT` chunks.
  private var frames: [[UInt8]] = []
  /// The header that all have.
  private var header: [UInt8] = []
  private let milliseconds: Int
  private let path: String

  /// An animation without frames.
  ///
  /// - Parameters:
  ///   - milliseconds: how long each frame is shown, up to 65,535; the last one ten times as long, but for 65 s at most.
  ///   - path: what errors call it.
  public init(milliseconds: Int, path: String = "the animation") {
    self.milliseconds = max(1, min(milliseconds, Int(UInt16.max)))
    self.path = path
  }

  /// How many frames it has.
  public var count: Int { frames.count }

  /// Adds a frame.
  ///
  /// - Parameter picture: of the size of the others.
  /// - Throws: ``PictureError/cannotEncode(path:reason:)`` for one of another size; `PictureError` for want of memory.
  public mutating func add(_ picture: Picture) throws(PictureError) {
    let chunks = Self.chunks(of: try picture.png([:]))
    let own = chunks.first { $0.type == Self.headerType }?.data ?? []
    if frames.isEmpty { header = own }
    guard own == header else {
      throw .cannotEncode(
        path: path,
        reason:
          "frame \(frames.count + 1) is \(picture.width)×\(picture.height), and the first is not")
    }
    frames.append(chunks.filter { $0.type == Self.pixelType }.flatMap(\.data))
  }

  /// The file.
  ///
  /// - Parameter picture: shown where animations are not, with its texts; of the frames' size.
  /// - Returns: PNG.
  /// - Throws: ``PictureError/cannotEncode(path:reason:)`` for an animation without frames, or a picture of another size.
  public func png(showing picture: Picture) throws(PictureError) -> [UInt8] {
    let chunks = Self.chunks(of: try picture.png())
    guard !frames.isEmpty, chunks.first(where: { $0.type == Self.headerType })?.data == header
    else {
      throw .cannotEncode(
        path: path, reason: frames.isEmpty ? "it has no frame" : "its picture has another size")
    }
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    func add(_ type: [UInt8], _ data: [UInt8]) {
      let body = type + data
      bytes += Self.integer(data.count) + body + Self.integer(Int(CRC32.checksum(body)))
    }
    let first = chunks.firstIndex { $0.type == Self.pixelType } ?? chunks.endIndex
    for chunk in chunks[..<first] { add(chunk.type, chunk.data) }
    // How many frames, and that they go on for ever.
    add(Array("acTL".utf8), Self.integer(frames.count) + Self.integer(0))
    for chunk in chunks[first...] where chunk.type == Self.pixelType { add(chunk.type, chunk.data) }
    for (index, frame) in frames.enumerated() {
      let isLast = index == frames.count - 1
      let delay = min(Int(UInt16.max), milliseconds * (isLast ? 10 : 1))
      // Width and height, at the corner, the delay over 1000; neither disposed of nor blended.
      add(
        Array("fcTL".utf8),
        Self.integer(2 * index) + header.prefix(8) + Self.integer(0) + Self.integer(0)
          + Self.integer(delay).suffix(2) + Self.integer(1000).suffix(2) + [0, 0])
      add(Array("fdAT".utf8), Self.integer(2 * index + 1) + frame)
    }
    add(Array("IEND".utf8), [])
    return bytes
  }

  private static let headerType = Array("IHDR".utf8), pixelType = Array("IDAT".utf8)

  /// The chunks of a file that libpng wrote.
  private static func chunks(of png: [UInt8]) -> [(type: [UInt8], data: [UInt8])] {
    var chunks: [(type: [UInt8], data: [UInt8])] = []
    var position = 8
    while position + 12 <= png.count {
      let count = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard position + 12 + count <= png.count else { break }
      let data = png[position + 8..<position + 8 + count]
      chunks.append((Array(png[position + 4..<position + 8]), Array(data)))
      position += 12 + count
    }
    return chunks
  }

  /// An integer of four bytes, the most significant first.
  private static func integer(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
