internal import LanternTensor

/// A value of a GGUF file's metadata.
package enum GGUFValue: Sendable {
  /// Of 8 to 64 bits, with or without sign.
  case integer(Int)
  /// Of 32 or 64 bits.
  case number(Double)
  /// A flag.
  case bool(Bool)
  /// Text as its bytes, which need not be UTF-8: tokens are cut anywhere.
  case string([UInt8])
  /// Values of one type.
  case array(GGUFArray)

  /// The integer; nil for other types.
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The number, of any numeric type; nil for other types.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The flag; nil for other types.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The text, as far as it is UTF-8; nil for other types.
  package var string: String? {
    if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
  }
  /// The values; nil for other types.
  package var array: GGUFArray? { if case .array(let value) = self { value } else { nil } }
}

/// The types of values, as GGUF numbers them.
enum GGUFType: UInt32 {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes of a value; nil where they differ from one to the next.
  var byteSize: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }
}

/// Values of one type in a GGUF file, decoded from its bytes on demand: vocabularies have some
/// hundred thousand.
package struct GGUFArray: Sendable {
  /// How many.
  package let count: Int
  let type: GGUFType
  private let storage: Storage
  private let range: Range<Int>

  /// Values whose bytes were checked.
  init(_ type: GGUFType, count: Int, in storage: Storage, _ range: Range<Int>) {
    (self.type, self.count, self.storage, self.range) = (type, count, storage, range)
  }

  /// Whether the values are texts.
  package var isOfStrings: Bool { type == .string }

  /// Calls `body` with the bytes of each text and its index; not at all where the values are of another type.
  package func forEachString<Failure: Error>(
    _ body: (Int, UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    guard isOfStrings else { return }
    let bytes = UnsafeRawBufferPointer(start: storage.base, count: range.upperBound)
    var cursor = GGUFCursor(bytes, at: range.lowerBound, file: "")
    // Their lengths were checked when the file was opened.
    for index in 0..<count {
      guard let length = try? cursor.count(of: 1), let start = try? cursor.skip(length) else {
        break
      }
      try body(index, UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
    }
    withExtendedLifetime(storage) {}
  }

  /// The integers; nil where the values are of another type.
  package var integers: [Int]? {
    guard type != .string, type != .array else { return nil }
    let all = values { [type] cursor throws(FormatError) in try cursor.scalar(type).integer }
    return all?.contains(nil) == false ? all?.compactMap { $0 } : nil
  }

  /// The numbers; nil where the values are of another type.
  package var numbers: [Double]? {
    guard type != .string, type != .array else { return nil }
    let all = values { [type] cursor throws(FormatError) in try cursor.scalar(type).number }
    return all?.contains(nil) == false ? all?.compactMap { $0 } : nil
  }

  /// What `read` makes of each value.
  private func values<Value>(
    _ read: (inout GGUFCursor) throws(FormatError) -> Value
  ) -> [Value]? {
    withExtendedLifetime(storage) {
      let bytes = UnsafeRawBufferPointer(start: storage.base, count: range.upperBound)
      var cursor = GGUFCursor(bytes, at: range.lowerBound, file: "")
      var values: [Value] = []
      values.reserveCapacity(count)
      for _ in 0..<count {
        // Their bytes were read once, when the file was opened.
        guard let value = try? read(&cursor) else { return nil }
        values.append(value)
      }
      return values
    }
  }
}

/// Reads the fields of a GGUF file one after another, and never beyond its end.
struct GGUFCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset: Int
  private let file: String

  init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0, file: String) {
    (self.bytes, self.offset, self.file) = (bytes, offset, file)
  }

  /// Bytes that are left.
  var left: Int { bytes.count - offset }

  /// Passes over bytes, and gives where they begin.
  @discardableResult
  mutating func skip(_ count: Int) throws(FormatError) -> Int {
    guard count >= 0, count <= left else {
      throw .truncated(file: file, at: bytes.count, need: max(1, count - left))
    }
    defer { offset += count }
    return offset
  }

  mutating func load<Value: FixedWidthInteger>(_ type: Value.Type) throws(FormatError) -> Value {
    let start = try skip(MemoryLayout<Value>.size)
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: type))
  }

  /// A 64-bit length or count of things of at least `size` bytes each, which must all be in the file.
  mutating func count(of size: Int) throws(FormatError) -> Int {
    let count = try load(UInt64.self)
    guard count <= UInt64(left / max(1, size)) else {
      throw .truncated(
        file: file, at: bytes.count, need: max(1, Int(clamping: count) &* size &- left))
    }
    return Int(count)
  }

  mutating func string() throws(FormatError) -> [UInt8] {
    let length = try count(of: 1)
    let start = try skip(length)
    return Array(bytes[start..<start + length])
  }

  /// A type of values.
  mutating func type(of key: String) throws(FormatError) -> GGUFType {
    let number = try load(UInt32.self)
    guard let type = GGUFType(rawValue: number) else {
      throw .malformedGGUF(
        file: file, reason: "\(JSON.quoted(key)) is of type \(number), which GGUF does not have")
    }
    return type
  }

  /// A value of a type of a fixed size.
  mutating func scalar(_ type: GGUFType) throws(FormatError) -> GGUFValue {
    switch type {
    case .uint8: return .integer(Int(try load(UInt8.self)))
    case .int8: return .integer(Int(try load(Int8.self)))
    case .uint16: return .integer(Int(try load(UInt16.self)))
    case .int16: return .integer(Int(try load(Int16.self)))
    case .uint32: return .integer(Int(try load(UInt32.self)))
    case .int32: return .integer(Int(try load(Int32.self)))
    case .int64: return .integer(Int(try load(Int64.self)))
    case .uint64:
      let value = try load(UInt64.self)
      return Int(exactly: value).map { .integer($0) } ?? .number(Double(value))
    case .float32: return .number(Double(Float(bitPattern: try load(UInt32.self))))
    case .float64: return .number(Double(bitPattern: try load(UInt64.self)))
    case .bool: return .bool(try load(UInt8.self) != 0)
    case .string, .array: return .string(try string())
    }
  }
}
