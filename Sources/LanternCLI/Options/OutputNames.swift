import LanternPlatform
import LanternFormats
import LanternPictures

/// Names for one or several files, none of which is taken: `fox-%03d.png` stands for `fox-001.png`,
/// `fox-002.png` …, and `fox.png` for itself, `fox-2.png`, `fox-3.png` …
struct OutputNames {
  private let head: String
  private let tail: String
  /// How many digits a number has at least; nil where the first name has none.
  private let digits: Int?
  private let overwrites: Bool
  private var number = 0

  /// - Parameters:
  ///   - text: the given name.
  ///   - count: with more than one file a name without a number gets one.
  ///   - overwrites: whether existing files are replaced.
  init(_ text: String, count: Int = 1, overwrites: Bool) {
    self.overwrites = overwrites
    if let found = Self.placeholder(text) {
      head = String(text[..<found.range.lowerBound])
      tail = String(text[found.range.upperBound...])
      digits = found.digits
    } else {
      let name = FileSystem.split(text).name
      let dot = name.dropFirst().lastIndex(of: ".") ?? name.endIndex
      tail = String(name[dot...])
      head = String(text.dropLast(tail.count)) + (count > 1 ? "-" : "")
      digits = count > 1 ? 3 : nil
    }
  }

  /// Passes over names, so that the next one has the number of the file at `index`, or a later one.
  mutating func skip(to index: Int) { number = max(number, index) }

  /// Writes a file under the next name that is free: of two processes that want it one goes on to the
  /// one after.
  ///
  /// - Parameter body: writes to a path; a file that is there may be replaced or not.
  /// - Returns: where it was written.
  /// - Throws: what `body` throws, but for a name that is taken.
  mutating func write(_ body: (_ path: String, _ replacing: Bool) throws -> Void) throws -> String {
    while true {
      number += 1
      let path = name(number)
      let isTaken = FileSystem.isFile(path) || FileSystem.isDirectory(path)
      if isTaken, !overwrites { continue }
      do {
        // What is no regular file, as a pipe, is written to.
        try body(path, overwrites || (!isTaken && FileSystem.exists(path)))
        return path
      } catch let error where Self.isTaken(error) {
        continue
      }
    }
  }

  private func name(_ number: Int) -> String {
    guard let digits else { return number == 1 ? head + tail : "\(head)-\(number)\(tail)" }
    let text = String(number)
    return head + String(repeating: "0", count: max(0, digits - text.count)) + text + tail
  }

  private static func isTaken(_ error: any Error) -> Bool {
    switch error {
    case FormatError.cannotWrite(_, FileSystem.fileExists),
      PictureError.file(.cannotWrite(_, FileSystem.fileExists)):
      true
    default: false
    }
  }

  /// Where `%d` or `%03d` stands in the last part of a path.
  private static func placeholder(_ text: String) -> (range: Range<String.Index>, digits: Int)? {
    let start = text.lastIndex(of: "/") ?? text.startIndex
    guard let percent = text[start...].firstIndex(of: "%") else { return nil }
    var end = text.index(after: percent)
    var digits = ""
    while end < text.endIndex, text[end].isASCII, text[end].isNumber, digits.count < 2 {
      digits.append(text[end])
      end = text.index(after: end)
    }
    guard end < text.endIndex, text[end] == "d" else { return nil }
    return (percent..<text.index(after: end), Int(digits) ?? 1)
  }
}
