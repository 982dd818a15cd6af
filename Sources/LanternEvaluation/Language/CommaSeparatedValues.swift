import LanternFormats

/// Comma-separated values (RFC 4180): cells may stand in quotation marks, in which a mark is written twice.
struct CommaSeparatedValues {
  /// The rows, each with the line that it begins at; lines without a character are none.
  let rows: [(line: Int, cells: [String])]

  /// - Throws: as ``DataFile/text()``; ``EvaluationError/malformed(file:line:reason:)`` for a mark that is not closed.
  init(_ file: DataFile) throws {
    var rows: [(line: Int, cells: [String])] = []
    var (cells, cell, line, start): ([String], [UInt8], Int, Int) = ([], [], 1, 1)
    var (isQuoted, wasQuoted) = (false, false)
    func take() {
      cells.append(String(decoding: cell, as: UTF8.self))
      (cell, wasQuoted) = ([], false)
    }
    func end() {
      if !cells.isEmpty || !cell.isEmpty || wasQuoted {
        take()
        rows.append((start, cells))
      }
      cells = []
    }
    let bytes = Array(try file.text().utf8)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      switch byte {
      case UInt8(ascii: "\"") where isQuoted && next == byte:
        cell.append(byte)
        index += 1
      case UInt8(ascii: "\"") where isQuoted: isQuoted = false
      case UInt8(ascii: "\"") where cell.isEmpty && !wasQuoted: (isQuoted, wasQuoted) = (true, true)
      case UInt8(ascii: ",") where !isQuoted: take()
      case 13 where !isQuoted && next == 10: break
      case 10 where !isQuoted:
        end()
        start = line + 1
      default: cell.append(byte)
      }
      if byte == 10 { line += 1 }
      index += 1
    }
    guard !isQuoted else { throw file.malformed(start, "a quotation mark is not closed") }
    end()
    guard !rows.isEmpty else { throw file.malformed(0, "has no line") }
    self.rows = rows
  }
}
