import LanternPlatform
import LanternTensor

/// A value of JSON (RFC 8259).
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without a fraction that `Int` holds exactly, however it was spelt.
  case integer(Int)
  /// A number without a fraction beyond `Int` that `UInt64` holds exactly: seeds are such.
  case unsigned(UInt64)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The boolean, if it is one.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The integer, if it is one.
  package var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }
  /// The unsigned 64-bit integer, if it is one.
  package var unsigned: UInt64? {
    if case .unsigned(let value) = self { value } else { integer.flatMap { UInt64(exactly: $0) } }
  }
  /// The number, if it is one.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The string, if it is one.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The array, if it is one.
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The object, if it is one.
  package var object: [String: JSONValue]? {
    if case .object(let value) = self { value } else { nil }
  }
  /// Whether it is `null`.
  package var isNull: Bool { self == .null }

  /// An unsigned 64-bit integer.
  package init(_ whole: UInt64) {
    self = Int(exactly: whole).map(JSONValue.integer) ?? .unsigned(whole)
  }
}

/// Reading and writing JSON: strict on the way in, plain and reproducible on the way out.
package enum JSON {
  /// Maximum depth of nested arrays and objects.
  package static let depthLimit = 64
  /// Maximum bytes of a file.
  package static let sizeLimit = 128 << 20
  /// Maximum number of values of a text: four times what the largest vocabularies and their merges have.
  package static let valueLimit = 1 << 23
  /// Memory that reading takes for each byte of a text at most, reached by many small arrays.
  package static let memoryPerByte = 48
  private static let memoryPerValue = 128

  /// Reads a whole text.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8, with or without a byte order mark.
  ///   - file: what errors call the text.
  /// - Returns: the one value of the text.
  /// - Throws: ``FormatError/malformedJSON(file:at:reason:)``,
  ///   ``FormatError/tooDeep(file:at:limit:)``, ``FormatError/duplicateKey(key:file:at:)``, or
  ///   ``FormatError/tensor(_:)`` for want of memory.
  package static func parse(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError)
    -> JSONValue
  {
    try parse(bytes, file: file, membersAt: nil).value
  }

  private static func parse(
    _ bytes: UnsafeRawBufferPointer, file: String, membersAt keys: [String]?
  ) throws(FormatError) -> (value: JSONValue, members: [Member]?) {
    do {
      let ofValues = min(memoryPerByte * bytes.count, memoryPerValue * valueLimit)
      try Memory.require(ofValues + 2 * bytes.count)
    } catch {
      throw .tensor(error)
    }
    var parser = JSONParser(bytes, file: file, membersAt: keys)
    return (try parser.document(), parser.members)
  }

  /// Reads a text that is already one.
  ///
  /// - Throws: as ``parse(_:file:)``.
  package static func parse(text: String, file: String) throws(FormatError) -> JSONValue {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(FormatError) in try parse(UnsafeRawBufferPointer(bytes), file: file) }
    }
    return try result.get()
  }

  /// The keys of an object within a text that was already read, in the order in which they stand.
  ///
  /// - Parameters:
  ///   - path: the keys that lead to the object; of an array's item its index.
  ///   - text: the whole text.
  ///   - file: what errors call the text.
  /// - Returns: the keys; none where there is no such object.
  /// - Throws: as ``parse(_:file:)``.
  package static func keys(at path: [String], in text: String, file: String) throws(FormatError)
    -> [String]
  {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(FormatError) in
        var parser = JSONParser(UnsafeRawBufferPointer(bytes), file: file)
        return try parser.keys(at: path)
      }
    }
    return try result.get()
  }

  /// Reads a file.
  ///
  /// - Throws: as ``parse(_:file:)``, and ``FormatError`` for a file that cannot be read.
  package static func read(_ path: String) throws(FormatError) -> JSONValue {
    let bytes = try FileSystem.read(path, limit: sizeLimit)
    guard !bytes.isEmpty else { throw .empty(path: path) }
    return try bytes.withBytes { buffer throws(FormatError) in try parse(buffer, file: path) }
  }

  /// A member of an object, and where in the text it begins.
  package typealias Member = (key: String, value: JSONValue, offset: Int)

  /// Reads a file with a vocabulary: an object whose keys are equal where their bytes are, while `String` takes a letter
  /// with a combining mark for the precomposed letter.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - keys: those that lead to the object.
  /// - Returns: the value, in which that object is empty, and the object's members, in the order of the text; nil where
  ///   there is no such object.
  /// - Throws: as ``read(_:)``; not for equal keys of the vocabulary.
  package static func read(_ path: String, membersAt keys: [String]) throws(FormatError)
    -> (value: JSONValue, members: [Member]?)
  {
    let bytes = try FileSystem.read(path, limit: sizeLimit)
    guard !bytes.isEmpty else { throw .empty(path: path) }
    return try bytes.withBytes { buffer throws(FormatError) in
      try parse(buffer, file: path, membersAt: keys)
    }
  }

  /// The value on one line, keys sorted by their bytes. Infinity and NaN, which JSON lacks, become
  /// `null`.
  package static func write(_ value: JSONValue) -> String {
    var text = ""
    append(value, to: &text)
    return text
  }

  /// A string in quotes, escaped: one line, without control characters for a terminal.
  package static func quoted(_ string: String) -> String {
    var text = ""
    append(string, to: &text)
    return text
  }

  private static func append(_ value: JSONValue, to text: inout String) {
    switch value {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .unsigned(let value): text += String(value)
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): append(value, to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        append(value, to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { text += "," }
        append(member.key, to: &text)
        text += ":"
        append(member.value, to: &text)
      }
      text += "}"
    }
  }

  private static func append(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.isControl:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

// Values written in source.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}
