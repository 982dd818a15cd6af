import LanternFormats
import NIOCore

/// The parts of a `multipart/form-data` body (RFC 7578).
struct MultipartForm {
  /// Contents of the parts that have a file's name, by their own; the first of each.
  private(set) var files: [String: [UInt8]] = [:]
  /// Texts of the others.
  private(set) var texts: [String: String] = [:]

  private static let partLimit = 256

  /// - Parameters:
  ///   - body: the body.
  ///   - type: what `Content-Type` says of it.
  /// - Throws: ``ServerError/body(reason:)``.
  init(_ body: ByteBuffer, type: String) throws(ServerError) {
    guard type.lowercased().hasPrefix("multipart/form-data"),
      let boundary = Self.parameter("boundary", of: type), !boundary.isEmpty
    else { throw .body(reason: "send multipart/form-data, with its boundary") }
    let delimiter = Array("\r\n--\(boundary)".utf8)
    // The first delimiter has no line in front.
    let bytes = [13, 10] + body.bytes
    var ends: [Int] = []
    var position = 0
    while let found = Self.find(delimiter, in: bytes, from: position) {
      ends.append(found)
      guard ends.count <= Self.partLimit else {
        throw .body(reason: "it has more than \(Self.partLimit) parts")
      }
      position = found + delimiter.count
    }
    guard ends.count >= 2 else { throw .body(reason: "it does not end with its boundary") }
    for (start, end) in zip(ends, ends.dropFirst()) {
      try take(bytes[(start + delimiter.count)..<end])
    }
  }

  private mutating func take(_ part: ArraySlice<UInt8>) throws(ServerError) {
    let gap: [UInt8] = [13, 10, 13, 10]
    guard let end = Self.find(gap, in: Array(part), from: 0) else {
      throw .body(reason: "a part has no end of its headers")
    }
    let head = String(decoding: part.prefix(end), as: UTF8.self)
    let content = Array(part.dropFirst(end + gap.count))
    let line = head.split(separator: "\r\n").first {
      $0.lowercased().hasPrefix("content-disposition:")
    }
    guard let line, let name = Self.parameter("name", of: String(line)) else {
      throw .body(reason: "a part has no name")
    }
    if Self.parameter("filename", of: String(line)) != nil {
      if files[name] == nil { files[name] = content }
    } else if let text = String(validating: content, as: UTF8.self) {
      texts[name] = texts[name] ?? text
    } else {
      throw .body(reason: "the part \(JSON.quoted(name)) is no UTF-8 text")
    }
  }

  private static func parameter(_ name: String, of header: String) -> String? {
    for part in header.split(separator: ";").dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == name else { continue }
      return String(pair[1].filter { $0 != "\"" })
    }
    return nil
  }

  private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
    var index = start
    while index <= bytes.count - pattern.count {
      if bytes[index] == first, bytes[index..<index + pattern.count].elementsEqual(pattern) {
        return index
      }
      index += 1
    }
    return nil
  }
}
