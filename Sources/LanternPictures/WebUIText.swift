internal import LanternFormats

/// The text that stable-diffusion-webui, and many after it, keep in a picture's file: the prompt, what
/// follows "Negative prompt:", a line of settings ("Steps: 20, Sampler: Euler a, …"), and lines
/// that extensions add.
///
/// Read are any line ends, values in quotes (as JSON, which is how webui writes what has commas,
/// colons or line feeds in it) and lists and objects of JSON. Any text is one of these: what has no
/// line of settings is a prompt.
package struct WebUIText: Sendable, Equatable {
  /// A setting, as "Steps: 20".
  package struct Field: Sendable, Equatable {
    /// Its name.
    package var name: String
    /// Its value, without quotes.
    package var value: String

    /// A setting.
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What the picture shows.
  package var prompt = ""
  /// What it should not show.
  package var negativePrompt = ""
  /// The settings, in order; of a name that stands twice the last counts.
  package var fields: [Field] = []
  /// Lines after the settings.
  package var extensions: [String] = []

  /// A text to be filled in.
  package init() {}

  /// The last value of a setting.
  package subscript(name: String) -> String? { fields.last { $0.name == name }?.value }

  /// Reads a text, in time that grows as its length.
  package init(parsing text: String) {
    var lines = Self.lines(text)[...]
    if let (index, found) = Self.settings(in: lines) {
      fields = found
      extensions = lines[(index + 1)...].map(Self.string).filter { !$0.isEmpty }
      lines = lines[..<index]
    }
    let mark = Array("Negative prompt:".utf8)
    var (positive, negative): ([ArraySlice<UInt8>], [ArraySlice<UInt8>]) = ([], [])
    var isNegative = false
    for line in lines {
      let start = line.drop { Self.isSpace($0) }
      if start.starts(with: mark) {
        isNegative = true
        negative.append(start.dropFirst(mark.count).drop { Self.isSpace($0) })
      } else if isNegative {
        negative.append(line)
      } else {
        positive.append(line)
      }
    }
    prompt = self["Prompt"] ?? Self.joined(positive)
    negativePrompt = self["Negative prompt"] ?? Self.joined(negative)
    fields.removeAll { ["Prompt", "Negative prompt"].contains($0.name) }
  }

  /// The text, which is read as the same again.
  ///
  /// Where lines alone could be mistaken, as when the prompt itself has one that begins with
  /// "Negative prompt:", prompts stand among the settings once more, in quotes; webui too takes
  /// them from there.
  package var text: String {
    var lines = prompt.isEmpty ? [] : [prompt]
    if !negativePrompt.isEmpty { lines.append("Negative prompt: \(negativePrompt)") }
    func text(_ fields: [Field]) -> String {
      let line = fields.map { "\($0.name): \(Self.quoted($0.value))" }.joined(separator: ", ")
      return (lines + (line.isEmpty ? [] : [line]) + extensions).joined(separator: "\n")
    }
    let plain = text(fields)
    let again = WebUIText(parsing: plain)
    if again.prompt == prompt, again.negativePrompt == negativePrompt { return plain }
    return text(fields + [Field("Prompt", prompt), Field("Negative prompt", negativePrompt)])
  }

  /// The lines of a text, however they end, without space and NUL at both ends of the whole.
  private static func lines(_ text: String) -> [ArraySlice<UInt8>] {
    let bytes = Array(text.utf8)
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    var rest = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    func isOutside(_ byte: UInt8) -> Bool { isSpace(byte) || byte == 0 || byte == newline }
    rest = rest.drop(while: isOutside)
    while let last = rest.last, isOutside(last) { rest.removeLast() }
    var lines: [ArraySlice<UInt8>] = []
    var start = rest.startIndex
    var index = start
    while index < rest.endIndex {
      let byte = rest[index]
      index += 1
      guard byte == newline || byte == carriageReturn else { continue }
      lines.append(rest[start..<index - 1])
      // "\r\n" is one end.
      if byte == carriageReturn, index < rest.endIndex, rest[index] == newline { index += 1 }
      start = index
    }
    lines.append(rest[start...])
    return lines
  }

  /// Names of which one stands in every line of settings that does not begin with the steps.
  private static let usualNames: Set<String> = [
    "Steps", "Sampler", "CFG scale", "Seed", "Size", "Model",
  ]

  /// The line of settings, and what it says: the last that begins with a number of steps, or the
  /// last of all if it has three settings, as webui decides, and one is a usual one.
  private static func settings(in lines: ArraySlice<ArraySlice<UInt8>>) -> (Int, [Field])? {
    let mark = Array("Steps:".utf8)
    for index in lines.indices.reversed() {
      let line = lines[index].drop { isSpace($0) }
      guard line.starts(with: mark),
        let digit = line.dropFirst(mark.count).first(where: { !isSpace($0) }),
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
      else { continue }
      let fields = fields(line)
      if fields.count >= 2 { return (index, fields) }
    }
    guard let last = lines.last else { return nil }
    let fields = fields(last)
    return fields.count >= 3 && fields.contains { usualNames.contains($0.name) }
      ? (lines.endIndex - 1, fields) : nil
  }

  /// The settings of a line. What has no colon is nothing.
  private static func fields(_ line: ArraySlice<UInt8>) -> [Field] {
    var fields: [Field] = []
    var position = line.startIndex
    // Once a quote or bracket was never closed, none after it is: each would be looked for in vain.
    var (hasQuotes, hasJSON) = (true, true)
    while position < line.endIndex {
      guard
        let stop = line[position...].firstIndex(where: {
          $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ",")
        })
      else { break }
      guard line[stop] == UInt8(ascii: ":") else {
        position = stop + 1
        continue
      }
      let name = string(line[position..<stop])
      let start = line[(stop + 1)...].firstIndex { !isSpace($0) } ?? line.endIndex
      var end: Int?
      if start < line.endIndex, hasQuotes, line[start] == UInt8(ascii: "\"") {
        end = endOfQuotes(line, from: start)
        hasQuotes = end != nil
      } else if start < line.endIndex, hasJSON, isBracket(line[start]) {
        end = endOfJSON(line, from: start)
      }
      // A comma or the end must follow, or it only begins like one.
      if let inner = end {
        let next = line[inner...].firstIndex { !isSpace($0) } ?? line.endIndex
        end = next == line.endIndex || line[next] == UInt8(ascii: ",") ? next : nil
      }
      if end == nil, start < line.endIndex, isBracket(line[start]) { hasJSON = false }
      let stopped =
        end ?? line[start...].firstIndex { $0 == UInt8(ascii: ",") } ?? line.endIndex
      let value = string(line[start..<stopped])
      if !name.isEmpty { fields.append(Field(name, end == nil ? value : unquoted(value))) }
      position = stopped + 1
    }
    return fields
  }

  /// The index after the quote that closes the one at `start`.
  private static func endOfQuotes(_ line: ArraySlice<UInt8>, from start: Int) -> Int? {
    var position = start + 1
    while position < line.endIndex {
      if line[position] == UInt8(ascii: "\"") { return position + 1 }
      position += line[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  /// The index after the bracket that closes the one at `start`, brackets within texts apart.
  private static func endOfJSON(_ line: ArraySlice<UInt8>, from start: Int) -> Int? {
    var depth = 0
    var position = start
    while position < line.endIndex {
      switch line[position] {
      case UInt8(ascii: "\""):
        guard let end = endOfQuotes(line, from: position) else { return nil }
        position = end
        continue
      case let byte where isBracket(byte): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return position + 1 }
      default: break
      }
      position += 1
    }
    return nil
  }

  /// What stands in quotes; the text itself where that is not JSON, as webui has it.
  private static func unquoted(_ value: String) -> String {
    guard value.utf8.first == UInt8(ascii: "\"") else { return value }
    return (try? JSON.parse(text: value, file: "parameters"))?.string ?? value
  }

  /// A value in quotes where it would else be read as another.
  private static func quoted(_ value: String) -> String {
    let isPlain = value.unicodeScalars.allSatisfy {
      $0 != "," && $0 != ":" && $0.properties.generalCategory != .control
    }
    let first = value.utf8.first.map { "\"{[ ".utf8.contains($0) } ?? false
    return isPlain && !first && value.utf8.last != UInt8(ascii: " ") ? value : JSON.quoted(value)
  }

  private static func joined(_ lines: [ArraySlice<UInt8>]) -> String {
    String(decoding: Array(lines.joined(separator: [newline])), as: UTF8.self)
  }

  /// The text of bytes without space at both ends.
  private static func string(_ bytes: ArraySlice<UInt8>) -> String {
    var rest = bytes.drop { isSpace($0) }
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return String(decoding: rest, as: UTF8.self)
  }

  private static let newline = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  private static func isBracket(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == carriageReturn
  }
}
