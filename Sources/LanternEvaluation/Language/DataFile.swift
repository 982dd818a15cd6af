import LanternPlatform
import LanternFormats

/// A file of questions as text: comma-separated values, lines of JSON, or JSON.
struct DataFile: Sendable, Equatable {
  let path: String

  /// Most bytes of a file.
  private static let sizeLimit = 1 << 28

  var name: String { FileSystem.split(path).name }
  /// The ending of its name, in lower case.
  var ending: String { (name.split(separator: ".").last.map(String.init) ?? "").lowercased() }
  /// Its name without the ending.
  var stem: String { String(name.dropLast(name.contains(".") ? ending.count + 1 : 0)) }

  /// The file of another split: in a folder of that name where this one's folder is called like its split.
  func ofSplit(_ other: String, insteadOf split: String) -> DataFile {
    let (folder, _) = FileSystem.split(path)
    let (above, last) = FileSystem.split(folder)
    // ARC's are capitalized: ARC-Easy-Test.jsonl.
    let isCapital = stem.hasSuffix(split.capitalizedFirst)
    let begin = stem.lowercased().hasSuffix(split) ? stem.dropLast(split.count) : stem[...]
    let name = begin + (isCapital ? other.capitalizedFirst : other) + "." + ending
    return DataFile(
      path: FileSystem.join(last == split ? FileSystem.join(above, other) : folder, String(name)))
  }

  /// Files below a path whose names a task knows, sorted; the path itself where it is one.
  ///
  /// - Parameters:
  ///   - path: a file, or a folder of files or of folders with files.
  ///   - task: whose they are.
  /// - Returns: one at least.
  /// - Throws: ``EvaluationError``, `FormatError` for a path that cannot be read.
  static func files(at path: String, of task: LanguageTask) throws -> [DataFile] {
    guard FileSystem.isDirectory(path) else {
      let file = DataFile(path: path)
      guard file.ending != "parquet" else { throw EvaluationError.parquet(path: path) }
      guard FileSystem.exists(path) else {
        throw FormatError.missingFile(path: path, remedy: "name the files of \(task.name)")
      }
      return [file]
    }
    var (found, columns): ([DataFile], DataFile?) = ([], nil)
    for folder in [path] + (try subfolders(path)) + (try subfolders(path).flatMap(subfolders)) {
      for name in try FileSystem.list(folder) {
        let file = DataFile(path: FileSystem.join(folder, name))
        if file.ending == "parquet" { columns = columns ?? file }
        if ["csv", "json", "jsonl"].contains(file.ending), task.isEvaluated(file) {
          found.append(file)
        }
      }
    }
    guard found.isEmpty else { return found }
    if let columns { throw EvaluationError.parquet(path: columns.path) }
    throw EvaluationError.noFiles(path: path, task: task.name, form: task.files)
  }

  private static func subfolders(_ folder: String) throws -> [String] {
    try FileSystem.list(folder).filter { !$0.hasPrefix(".") }
      .map { FileSystem.join(folder, $0) }.filter(FileSystem.isDirectory)
  }

  /// The text of the file.
  ///
  /// - Throws: `FormatError` for one that cannot be read, ``EvaluationError/malformed(file:line:reason:)`` for one that
  ///   is not UTF-8.
  func text() throws -> String {
    let bytes = try FileSystem.read(path, limit: Self.sizeLimit)
    let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
    guard let text = String(validating: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self) else {
      throw malformed(0, "is not text in UTF-8")
    }
    return text
  }

  /// The objects of lines of JSON, each with its line.
  ///
  /// - Throws: as ``text()``; ``EvaluationError/malformed(file:line:reason:)`` for a line that is no object, or no line.
  func jsonLines() throws -> [DataRow] {
    var rows: [DataRow] = []
    let lines = try text().utf8.split(separator: 10, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
      let value: JSONValue
      do {
        value = try JSON.parse(text: String(Substring(line)), file: path)
      } catch {
        throw malformed(index + 1, "is no JSON")
      }
      guard let object = value.object else { throw malformed(index + 1, "is no object of JSON") }
      rows.append(DataRow(file: self, line: index + 1, values: object))
    }
    guard !rows.isEmpty else { throw malformed(0, "has no line") }
    return rows
  }

  func malformed(_ line: Int, _ reason: String) -> EvaluationError {
    .malformed(file: path, line: line, reason: reason)
  }
}

/// An entry of a file of questions, whose errors name file and line.
struct DataRow {
  let file: DataFile
  let line: Int
  let values: [String: JSONValue]

  func malformed(_ reason: String) -> EvaluationError { file.malformed(line, reason) }

  /// A string.
  func text(_ key: String) throws(EvaluationError) -> String {
    guard let value = values[key]?.string else { throw malformed("\"\(key)\" should be a text") }
    return value
  }

  /// An integer, which may be written as text.
  func integer(_ key: String) throws(EvaluationError) -> Int {
    guard let value = values[key]?.integer ?? values[key]?.string.flatMap({ Int($0) }) else {
      throw malformed("\"\(key)\" should be an integer")
    }
    return value
  }

  /// A list of strings.
  func texts(_ key: String) throws(EvaluationError) -> [String] {
    let all = values[key]?.array
    guard let all, case let texts = all.compactMap(\.string), texts.count == all.count else {
      throw malformed("\"\(key)\" should be a list of texts")
    }
    return texts
  }

  /// The number of the right choice, checked.
  func index(_ found: Int?, of choices: [String]) throws(EvaluationError) -> Int {
    guard let found, choices.indices.contains(found) else {
      throw malformed("its answer is none of the \(choices.count) choices")
    }
    return found
  }
}

extension String {
  /// The text with its first letter in upper case.
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }

  /// Without white space at both ends, as Python's `strip`.
  var stripped: String {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      ("\u{1C}"..."\u{1F}").contains(scalar) || scalar.properties.isWhitespace
    }
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !isSpace($0) }),
      let last = scalars.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}
