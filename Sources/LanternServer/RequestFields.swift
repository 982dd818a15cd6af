import LanternFormats

/// The fields of an object in a body. What nobody reads is noted in the answer.
struct RequestFields {
  private let values: [String: JSONValue]
  private let path: String
  private var read: Set<String> = []

  /// - Parameters:
  ///   - value: the object.
  ///   - path: what stands before a field's name in errors, as `messages[0].`.
  /// - Throws: ``ServerError/body(reason:)`` for anything else.
  init(_ value: JSONValue, path: String = "") throws(ServerError) {
    guard let values = value.object else {
      throw path.isEmpty
        ? .body(reason: "it is no JSON object")
        : .field(name: String(path.dropLast()), reason: "it is no JSON object")
    }
    (self.values, self.path) = (values, path)
  }

  /// All of them.
  var all: [String: JSONValue] { values }

  /// Whether a field is there, and not null.
  func has(_ name: String) -> Bool { (values[name] ?? .null) != .null }

  /// A field's value; nil where it is not there, or null.
  mutating func value(_ name: String) -> JSONValue? {
    read.insert(name)
    guard let value = values[name], value != .null else { return nil }
    return value
  }

  private mutating func value<T>(
    _ name: String, _ expected: String, _ convert: (JSONValue) -> T?
  ) throws(ServerError) -> T? {
    guard let value = value(name) else { return nil }
    guard let converted = convert(value) else {
      throw .field(name: path + name, reason: "give \(expected)")
    }
    return converted
  }

  mutating func string(_ name: String) throws(ServerError) -> String? {
    try value(name, "a text") { $0.string }
  }

  mutating func bool(_ name: String) throws(ServerError) -> Bool? {
    try value(name, "true or false") { $0.bool }
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(ServerError) -> Int? {
    try value(name, "an integer from \(range.lowerBound) to \(range.upperBound)") {
      $0.integer.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func number(_ name: String, in range: ClosedRange<Double>) throws(ServerError)
    -> Double?
  {
    try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") {
      $0.double.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func array(_ name: String) throws(ServerError) -> [JSONValue]? {
    try value(name, "a list") { $0.array }
  }

  /// A text or a list of texts.
  mutating func strings(_ name: String) throws(ServerError) -> [String]? {
    try value(name, "a text, or a list of texts") { value in
      if let text = value.string { return [text] }
      guard let texts = value.array?.map(\.string), !texts.contains(nil) else { return nil }
      return texts.compactMap(\.self)
    }
  }

  /// A seed: a non-negative integer, −1 for any.
  mutating func seed(_ name: String = "seed") throws(ServerError) -> UInt64? {
    let found: JSONValue? = try value(name, "an integer, or -1 for any") {
      $0.unsigned != nil || $0.integer != nil ? $0 : nil
    }
    guard let found, found.integer != -1 else { return nil }
    return found.unsigned ?? found.integer.map { UInt64(bitPattern: Int64($0)) }
  }

  /// The fields of an object in a field.
  mutating func object(_ name: String) throws(ServerError) -> RequestFields? {
    guard let value = value(name) else { return nil }
    return try RequestFields(value, path: path + name + ".")
  }

  /// Passes over fields that have no effect here and need no note.
  mutating func pass(_ names: String...) { read.formUnion(names) }

  /// A note for the fields that nobody read; none where all were.
  var notes: [String] {
    let unread = values.filter { $0.value != .null && !read.contains($0.key) }.keys.sorted()
    return unread.isEmpty
      ? [] : ["without effect: \(unread.map { path + $0 }.joined(separator: ", "))"]
  }
}
