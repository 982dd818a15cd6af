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
  /// Members by their keys, and the order in which the keys stood in a text; ``object(_:)`` makes one.
  case object([String: JSONValue], order: KeyOrder)

  /// The order of an object's keys, which two equal objects need not share.
  package struct KeyOrder: Sendable, Equatable {
    /// The keys; none for an object that no text gave an order.
    let keys: [String]

    package static func == (a: KeyOrder, b: KeyOrder) -> Bool { true }
  }

  /// An object whose keys have no order: they are sorted where one is needed.
  package static func object(_ members: [String: JSONValue]) -> JSONValue {
    .object(members, order: KeyOrder(keys: []))
  }

  /// An object whose members have an order; of equal keys the last counts.
  package static func object(ordered members: [(key: String, value: JSONValue)]) -> JSONValue {
    let values = Dictionary(members.map { ($0.key, $0.value) }) { $1 }
    let keys = values.count == members.count ? members.map(\.key) : []
    return .object(values, order: KeyOrder(keys: keys))
  }

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
    if case .object(let value, _) = self { value } else { nil }
  }
  /// The members in their order, if it is an object: that of the text, or sorted by the keys' bytes.
  package var members: [(key: String, value: JSONValue)]? {
    guard case .object(let values, let order) = self else { return nil }
    guard order.keys.count == values.count else {
      return values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
    return order.keys.map { ($0, values[$0] ?? .null) }
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

  /// The value on one line. Infinity and NaN, which JSON lacks, become `null`.
  ///
  /// - Parameters:
  ///   - value: the value.
  ///   - keepsOrder: whether keys stand in their own order (``JSONValue/members``), and not sorted by their bytes.
  /// - Returns: its text.
  package static func write(_ value: JSONValue, keepsOrder: Bool = false) -> String {
    var text = ""
    append(value, keepsOrder: keepsOrder, to: &text)
    return text
  }

  /// The same for people to read and edit: a member or an item a line, each two spaces further in than what it is in.
  package static func indented(_ value: JSONValue, depth: Int = 0) -> String {
    let space = String(repeating: "  ", count: depth + 1)
    func joined(_ lines: [String], _ open: String, _ close: String) -> String {
      "\(open)\n\(lines.map { space + $0 }.joined(separator: ",\n"))\n\(space.dropLast(2))\(close)"
    }
    switch value {
    case .array(let values) where !values.isEmpty:
      return joined(values.map { indented($0, depth: depth + 1) }, "[", "]")
    case .object:
      let members = value.members ?? []
      guard !members.isEmpty else { return "{}" }
      return joined(
        members.map { "\(quoted($0.key)): \(indented($0.value, depth: depth + 1))" }, "{", "}")
    default: return write(value)
    }
  }

  /// A string in quotes, escaped: one line, without control characters for a terminal.
  package static func quoted(_ string: String) -> String {
    var text = ""
    append(string, to: &text)
    return text
  }

  private static func append(_ value: JSONValue, keepsOrder: Bool, to text: inout String) {
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
        append(value, keepsOrder: keepsOrder, to: &text)
      }
      text += "]"
    case .object(let values, _):
      text += "{"
      let members = keepsOrder ? value : .object(values)
      for (index, member) in (members.members ?? []).enumerated() {
        if index > 0 { text += "," }
        append(member.key, to: &text)
        text += ":"
        append(member.value, keepsOrder: keepsOrder, to: &text)
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
