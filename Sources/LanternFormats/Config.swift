/// The settings of one JSON object, and a note of which were asked for: a setting that nobody asks
/// for is one whose effect Lantern does not have, and must not be passed over in silence.
///
/// `null` counts as absent everywhere but in ``value(_:)`` and ``has(_:)``. Used by one thread,
/// while a model is loaded.
package struct Config {
  /// What errors call the object: the path of its file.
  package let file: String
  private let members: [String: JSONValue]
  private let ledger = Ledger()

  private final class Ledger {
    var asked: Set<String> = []
  }

  /// Reads a JSON file that holds an object.
  ///
  /// - Throws: ``FormatError`` when the file cannot be read, is no JSON, or holds something else.
  package init(path: String) throws(FormatError) {
    guard case .object(let members) = try JSON.read(path) else {
      throw .malformedJSON(file: path, at: 0, reason: "an object { … } should be here")
    }
    self.init(members, file: path)
  }

  /// The settings in `object`, which came from `file`.
  package init(_ object: [String: JSONValue], file: String) {
    self.members = object
    self.file = file
  }

  /// The names of all settings, sorted.
  package var keys: [String] { members.keys.sorted() }

  /// The setting as it stands in the file; `nil` when it does not stand there.
  package func value(_ key: String) -> JSONValue? {
    ledger.asked.insert(key)
    return members[key]
  }

  /// Whether the setting stands in the file, be it as `null`.
  package func has(_ key: String) -> Bool { value(key) != nil }

  /// A whole number.
  ///
  /// - Throws: ``FormatError/missingKey(key:file:)`` when absent without a default,
  ///   ``FormatError/wrongType(key:expected:file:)``.
  package func integer(_ key: String, default standard: Int? = nil) throws(FormatError) -> Int {
    try required(key, optionalInteger(key), standard)
  }

  /// A whole number, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalInteger(_ key: String) throws(FormatError) -> Int? {
    try read(key, "a whole number") { $0.integer }
  }

  /// A number.
  ///
  /// - Throws: as ``integer(_:default:)``; also when 64 bits hold it and `Float` does not.
  package func float(_ key: String, default standard: Float? = nil) throws(FormatError) -> Float {
    try required(key, optionalFloat(key), standard)
  }

  /// A number, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalFloat(_ key: String) throws(FormatError) -> Float? {
    try read(key, "a number of 32 bits") { value in
      value.double.map { Float($0) }.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// A number.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func double(_ key: String, default standard: Double? = nil) throws(FormatError) -> Double
  {
    try required(key, optionalDouble(key), standard)
  }

  /// A number, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalDouble(_ key: String) throws(FormatError) -> Double? {
    try read(key, "a number") { $0.double.flatMap { $0.isFinite ? $0 : nil } }
  }

  /// `true` or `false`.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func bool(_ key: String, default standard: Bool? = nil) throws(FormatError) -> Bool {
    try required(key, optionalBool(key), standard)
  }

  /// `true` or `false`, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalBool(_ key: String) throws(FormatError) -> Bool? {
    try read(key, "true or false") { $0.bool }
  }

  /// A text.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func string(_ key: String, default standard: String? = nil) throws(FormatError) -> String
  {
    try required(key, optionalString(key), standard)
  }

  /// A text, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalString(_ key: String) throws(FormatError) -> String? {
    try read(key, "a text") { $0.string }
  }

  /// Settings within the settings, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func section(_ key: String) throws(FormatError) -> Config? {
    try read(key, "an object") { $0.object }.map { Config($0, file: file) }
  }

  /// A list of texts.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func strings(_ key: String, default standard: [String]? = nil) throws(FormatError)
    -> [String]
  {
    try required(key, list(key, "a list of texts") { $0.string }, standard)
  }

  /// A list of whole numbers.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func integers(_ key: String, default standard: [Int]? = nil) throws(FormatError) -> [Int]
  {
    try required(key, list(key, "a list of whole numbers") { $0.integer }, standard)
  }

  /// A list of numbers.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func doubles(_ key: String, default standard: [Double]? = nil) throws(FormatError)
    -> [Double]
  {
    try required(key, list(key, "a list of numbers") { $0.double }, standard)
  }

  /// A whole number for each of `count` levels: written as a list, or as one number for all.
  ///
  /// - Throws: as ``integer(_:default:)``; also for a list of another length.
  package func perLevel(_ key: String, count: Int, default standard: Int? = nil)
    throws(FormatError) -> [Int]
  {
    let one = standard.map { Array(repeating: $0, count: count) }
    let found = try read(key, "a whole number or a list of \(count)") { value -> [Int]? in
      if let same = value.integer { return Array(repeating: same, count: count) }
      let each = value.array?.compactMap(\.integer)
      return each?.count == count && value.array?.count == count ? each : nil
    }
    return try required(key, found, one)
  }

  /// Checks that a setting, where it is present, has one of the values Lantern knows.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)``.
  package func expect(_ key: String, _ allowed: [JSONValue]) throws(FormatError) {
    guard let value = value(key), value != .null else { return }
    let isKnown = allowed.contains { known in
      known == value || (known.double != nil && known.double == value.double)
    }
    guard isKnown else { throw unsupported(key, value) }
  }

  /// Checks that every setting was asked for, but those `ignoring` names, those whose name begins
  /// with `_`, and those that are `null`.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for the first by name.
  package func finish(ignoring: Set<String> = []) throws(FormatError) {
    for key in keys where !ledger.asked.contains(key) && !ignoring.contains(key) {
      if let value = members[key], value != .null, !key.hasPrefix("_") {
        throw unsupported(key, value)
      }
    }
  }

  private func unsupported(_ key: String, _ value: JSONValue) -> FormatError {
    let text = JSON.write(value)
    let shown = text.count > 80 ? text.prefix(77) + "..." : text[...]
    return .unsupportedSetting(key: key, value: String(shown), file: file)
  }

  private func required<Value>(_ key: String, _ found: Value?, _ standard: Value?)
    throws(FormatError) -> Value
  {
    guard let value = found ?? standard else { throw .missingKey(key: key, file: file) }
    return value
  }

  private func read<Value>(_ key: String, _ expected: String, _ convert: (JSONValue) -> Value?)
    throws(FormatError) -> Value?
  {
    guard let value = value(key), value != .null else { return nil }
    guard let result = convert(value) else {
      throw .wrongType(key: key, expected: expected, file: file)
    }
    return result
  }

  private func list<Element>(
    _ key: String, _ expected: String, _ convert: (JSONValue) -> Element?
  ) throws(FormatError) -> [Element]? {
    try read(key, expected) { value in
      guard let values = value.array else { return nil }
      let elements = values.compactMap(convert)
      return elements.count == values.count ? elements : nil
    }
  }
}
