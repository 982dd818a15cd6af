import LanternFormats

/// The fields of an object in a body. What nobody reads, here and in the objects within, is noted in the answer.
struct RequestFields {
  /// Fields of the whole body that nobody read.
  private final class Unread {
    var names: Set<String> = []
  }

  private let values: [String: JSONValue]
  /// All of them in their order.
  let members: [(key: String, value: JSONValue)]
  private let path: String
  private let unread: Unread
  /// Whether all values are texts, as those of forms are: numbers and truth values are read from them.
  private let isForm: Bool

  /// - Parameter value: the body.
  /// - Throws: ``ServerError/body(reason:)`` for anything but an object.
  init(_ value: JSONValue) throws(ServerError) {
    guard value.object != nil else { throw .body(reason: "it is no JSON object") }
    self.init(value, path: "", Unread())
  }

  /// - Parameter form: the texts of a form.
  init(form: [String: String]) {
    self.init(.object(form.mapValues(JSONValue.string)), path: "", Unread(), isForm: true)
  }

  private init(_ value: JSONValue, path: String, _ unread: Unread, isForm: Bool = false) {
    (values, members) = (value.object ?? [:], value.members ?? [])
    (self.path, self.unread, self.isForm) = (path, unread, isForm)
    for (name, value) in values where value != .null { unread.names.insert(path + name) }
  }

  /// All of them, which count as read.
  var all: [String: JSONValue] {
    values.keys.forEach { pass($0) }
    return values
  }

  /// Those that are not null, which are not read yet.
  var given: [String: JSONValue] { values.filter { $0.value != .null } }

  /// Whether a field is there, and not null.
  func has(_ name: String) -> Bool { (values[name] ?? .null) != .null }

  /// Whether a field is there, not null, and was not read.
  func hasUnread(_ name: String) -> Bool { unread.names.contains(path + name) }

  /// A field's value; nil where it is not there, or null.
  func value(_ name: String) -> JSONValue? {
    unread.names.remove(path + name)
    guard let value = values[name], value != .null else { return nil }
    return value
  }

  private func value<T>(
    _ name: String, _ expected: String, _ convert: (JSONValue) -> T?
  ) throws(ServerError) -> T? {
    guard let value = value(name) else { return nil }
    guard let converted = convert(value) else {
      throw .field(name: path + name, reason: "give \(expected)")
    }
    return converted
  }

  /// A value of a form as the number or truth value that its text says.
  private func typed(_ value: JSONValue) -> JSONValue {
    guard isForm, let text = value.string else { return value }
    if ["true", "false"].contains(text) { return .bool(text == "true") }
    if let whole = Int(text) { return .integer(whole) }
    guard let number = Double(text), number.isFinite else { return value }
    return .number(number)
  }

  func string(_ name: String) throws(ServerError) -> String? {
    try value(name, "a text") { $0.string }
  }

  func bool(_ name: String) throws(ServerError) -> Bool? {
    try value(name, "true or false") { typed($0).bool }
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(ServerError) -> Int? {
    try value(name, "an integer from \(range.lowerBound) to \(range.upperBound)") {
      typed($0).integer.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws(ServerError)
    -> Double?
  {
    try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") {
      typed($0).double.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func array(_ name: String) throws(ServerError) -> [JSONValue]? {
    try value(name, "a list") { $0.array }
  }

  /// A text or a list of texts.
  func strings(_ name: String) throws(ServerError) -> [String]? {
    try value(name, "a text, or a list of texts") { value in
      if let text = value.string { return [text] }
      guard let texts = value.array?.map(\.string), !texts.contains(nil) else { return nil }
      return texts.compactMap(\.self)
    }
  }

  /// A seed: a non-negative integer, as text too, so that all 64 bits stay; −1 for any.
  func seed(_ name: String = "seed") throws(ServerError) -> UInt64? {
    let found: JSONValue? = try value(name, "an integer, or -1 for any") {
      if let seed = $0.string.flatMap({ UInt64($0) }) { return JSONValue(seed) }
      let value = typed($0)
      return value.unsigned != nil || value.integer == -1 ? value : nil
    }
    guard let found, found.integer != -1 else { return nil }
    return found.unsigned ?? found.integer.map { UInt64(bitPattern: Int64($0)) }
  }

  /// The fields of an object in a field.
  func object(_ name: String) throws(ServerError) -> RequestFields? {
    guard let value = value(name) else { return nil }
    return try object(value, path + name)
  }

  /// The fields of objects in a list.
  func objects(_ name: String) throws(ServerError) -> [RequestFields]? {
    guard let list = try array(name) else { return nil }
    var objects: [RequestFields] = []
    for (index, value) in list.enumerated() {
      objects.append(try object(value, "\(path)\(name)[\(index)]"))
    }
    return objects
  }

  private func object(_ value: JSONValue, _ path: String) throws(ServerError) -> RequestFields {
    guard value.object != nil else {
      throw .field(name: path, reason: "it is no JSON object")
    }
    return RequestFields(value, path: path + ".", unread)
  }

  /// Where a field stands in the body, for errors.
  func path(_ name: String) -> String { path + name }

  /// Passes over fields that have no effect here and need no note.
  func pass(_ names: String...) { names.forEach { _ = value($0) } }

  /// Passes over fields that clients send whether or not they mean anything, where they have a value that means
  /// nothing.
  func pass(idle: [String: [JSONValue]]) {
    for (name, idle) in idle {
      if let value = values[name], idle.contains(value) || idle.contains(typed(value)) {
        pass(name)
      }
    }
  }

  /// Notes that fields have no effect, though they were read.
  func leave(_ names: String...) {
    for name in names where has(name) { unread.names.insert(path + name) }
  }

  /// A note for the fields that nobody read; none where all were.
  var notes: [String] {
    unread.names.isEmpty ? [] : ["without effect: \(unread.names.sorted().joined(separator: ", "))"]
  }
}
