/// The settings of one JSON object, with a record of which were read: a setting that no code reads is
/// never ignored in silence.
///
/// `null` counts as absent everywhere but in ``value(_:)`` and ``has(_:)``. Used by one thread,
/// while a model is loaded.
package struct Config {
  /// What errors call the object: the path of its file.
  package let file: String
  private let members: [String: JSONValue]
  private let ledger = Ledger()

  private final class Ledger {
    var read: Set<String> = []
  }
  private let ignored: Notes

  private final class Notes {
    var lines: [String] = []
  }

  /// Reads a JSON file that holds an object.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - changes: settings that go before those of the file.
  /// - Throws: ``FormatError`` when the file cannot be read, is no JSON, or holds something else.
  package init(path: String, with changes: [String: JSONValue] = [:]) throws(FormatError) {
    guard let members = try JSON.read(path).object else {
      throw .malformedJSON(file: path, at: 0, reason: "an object { … } should be here")
    }
    self.init(members.merging(changes) { _, new in new }, file: path)
  }

  /// The settings in `object`, which came from `file`.
  package init(_ object: [String: JSONValue], file: String) {
    self.init(object, file: file, Notes())
  }

  private init(_ object: [String: JSONValue], file: String, _ notes: Notes) {
    self.members = object
    self.file = file
    self.ignored = notes
  }

  /// The same settings with others in addition, or instead of theirs; what was read so far counts as unread.
  package func adding(_ settings: [String: JSONValue]) -> Config {
    Config(members.merging(settings) { _, new in new }, file: file, ignored)
  }

  /// Settings that ``finish(ignoring:)`` found without an effect: a line each.
  package var notes: [String] { ignored.lines }

  /// All settings, as an object.
  package var json: JSONValue { .object(members) }

  /// The names of all settings, sorted.
  package var keys: [String] { members.keys.sorted() }

  /// The value of a setting; `nil` when the file does not have it.
  package func value(_ key: String) -> JSONValue? {
    ledger.read.insert(key)
    return members[key]
  }

  /// Whether the file has the setting, `null` included.
  package func has(_ key: String) -> Bool { value(key) != nil }

  /// An integer.
  ///
  /// - Throws: ``FormatError/missingKey(key:file:)`` when absent without a default,
  ///   ``FormatError/wrongType(key:expected:file:)``.
  package func integer(_ key: String, default defaultValue: Int? = nil) throws(FormatError) -> Int {
    try required(key, optionalInteger(key), defaultValue)
  }

  /// An integer, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalInteger(_ key: String) throws(FormatError) -> Int? {
    try read(key, "an integer") { $0.integer }
  }

  /// A number.
  ///
  /// - Throws: as ``integer(_:default:)``; also when 64 bits hold it and `Float` does not.
  package func float(_ key: String, default defaultValue: Float? = nil) throws(FormatError) -> Float
  {
    try required(key, optionalFloat(key), defaultValue)
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
  package func double(
    _ key: String, default defaultValue: Double? = nil
  ) throws(FormatError) -> Double {
    try required(key, optionalDouble(key), defaultValue)
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
  package func bool(_ key: String, default defaultValue: Bool? = nil) throws(FormatError) -> Bool {
    try required(key, optionalBool(key), defaultValue)
  }

  /// `true` or `false`, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalBool(_ key: String) throws(FormatError) -> Bool? {
    try read(key, "true or false") { $0.bool }
  }

  /// A string.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func string(
    _ key: String, default defaultValue: String? = nil
  ) throws(FormatError) -> String {
    try required(key, optionalString(key), defaultValue)
  }

  /// A string, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func optionalString(_ key: String) throws(FormatError) -> String? {
    try read(key, "a text") { $0.string }
  }

  /// Settings within the settings, `nil` when absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  package func section(_ key: String) throws(FormatError) -> Config? {
    try read(key, "an object") { $0.object }.map { Config($0, file: file, ignored) }
  }

  /// An array of strings.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func strings(_ key: String, default defaultValue: [String]? = nil) throws(FormatError)
    -> [String]
  {
    try required(key, list(key, "a list of texts") { $0.string }, defaultValue)
  }

  /// An array of integers.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func integers(
    _ key: String, default defaultValue: [Int]? = nil
  ) throws(FormatError) -> [Int] {
    try required(key, list(key, "a list of integers") { $0.integer }, defaultValue)
  }

  /// An array of numbers.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func doubles(_ key: String, default defaultValue: [Double]? = nil) throws(FormatError)
    -> [Double]
  {
    try required(key, list(key, "a list of numbers") { $0.double }, defaultValue)
  }

  /// An integer for each of `count` levels: written as an array, or as one number for all.
  ///
  /// - Throws: as ``integer(_:default:)``; also for a list of another length.
  package func perLevel(_ key: String, count: Int, default defaultValue: Int? = nil)
    throws(FormatError) -> [Int]
  {
    let one = defaultValue.map { Array(repeating: $0, count: count) }
    let found = try read(key, "an integer or a list of \(count)") { value -> [Int]? in
      if let same = value.integer { return Array(repeating: same, count: count) }
      let each = value.array?.compactMap(\.integer)
      return each?.count == count && value.array?.count == count ? each : nil
    }
    return try required(key, found, one)
  }

  /// Integers for each of `count` levels: one for all of a level's layers, or one for each; the default is
  /// one for all.
  ///
  /// - Throws: as ``integer(_:default:)``; also for a list of another length.
  package func perLayer(_ key: String, count: Int, default defaultValue: Int? = nil)
    throws(FormatError) -> [[Int]]
  {
    let one = defaultValue.map { Array(repeating: [$0], count: count) }
    let expected = "an integer or a list of \(count), of integers or lists of them"
    let found = try read(key, expected) { value -> [[Int]]? in
      if let same = value.integer { return Array(repeating: [same], count: count) }
      let each = value.array?.compactMap { level -> [Int]? in
        if let same = level.integer { return [same] }
        let layers = level.array?.compactMap(\.integer)
        return layers?.count == level.array?.count && layers?.isEmpty == false ? layers : nil
      }
      return each?.count == count && value.array?.count == count ? each : nil
    }
    return try required(key, found, one)
  }

  /// An integer, or one for each of two sides: height, then width.
  ///
  /// - Throws: as ``integer(_:default:)``.
  package func size(_ key: String, default defaultValue: Int? = nil) throws(FormatError) -> (
    height: Int, width: Int
  ) {
    let found = try read(key, "an integer or two") { value -> (height: Int, width: Int)? in
      if let side = value.integer { return (side, side) }
      guard let sides = value.array, let height = sides.first?.integer,
        let width = sides.last?.integer, sides.count <= 2
      else { return nil }
      return (height, width)
    }
    return try required(key, found, defaultValue.map { ($0, $0) })
  }

  /// A setting that may be given for each level, and must be the same for all: written once, or as a
  /// list.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for a list of different values.
  package func sameInteger(_ key: String, default defaultValue: Int) throws(FormatError) -> Int {
    guard let value = try same(key) else { return defaultValue }
    guard let number = value.integer else {
      throw .wrongType(key: key, expected: "an integer or a list of them", file: file)
    }
    return number
  }

  /// As ``sameInteger(_:default:)``, of any type; nil when absent.
  package func same(_ key: String) throws(FormatError) -> JSONValue? {
    guard let value = value(key), value != .null else { return nil }
    guard let each = value.array else { return value }
    guard let first = each.first, each.allSatisfy({ $0 == first }) else {
      throw unsupported(key, value)
    }
    return first
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

  /// Ends the reading of a file that diffusers or `transformers` wrote. Settings that were not read are
  /// unknown to their classes, which ignore them: so they are noted, but for those of
  /// ``effective``, which change results all the same.
  ///
  /// - Parameter ignoring: settings that their classes have and that change nothing here; all others
  ///   that they have must be read.
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for the first by name.
  package func finish(ignoring: Set<String> = []) throws(FormatError) {
    let left = unread(ignoring)
    for (key, value) in left where Self.effective[key].map({ $0 != value }) == true {
      throw unsupported(key, value)
    }
    guard !left.isEmpty else { return }
    let names = left.prefix(8).map { JSON.quoted($0.key) }.joined(separator: ", ")
    ignored.lines.append(
      "\(file): settings without an effect: \(names)"
        + (left.count > 8 ? " and \(left.count - 8) more" : ""))
  }

  /// Ends the reading of a file of Lantern's own, in which a setting that was not read is an error.
  ///
  /// - Parameter ignoring: settings that change nothing.
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for the first by name.
  package func finishStrictly(ignoring: Set<String> = []) throws(FormatError) {
    if let (key, value) = unread(ignoring).first { throw unsupported(key, value) }
  }

  /// Settings that no class of diffusers or `transformers` has (any more) and that change results
  /// all the same, with the value that changes none.
  private static let effective: [String: JSONValue] = [
    // Diffusers of 2022: false says that the model predicts the clean sample. Today's ignores it.
    "predict_epsilon": .bool(true),
    // Attention heads that were removed from the weights (transformers 4).
    "pruned_heads": .object([:]),
    // Weights in another form than they are named.
    "quantization_config": .null,
  ]

  /// Settings that are neither `null`, nor bookkeeping that begins with `_`.
  private func unread(_ ignoring: Set<String>) -> [(key: String, value: JSONValue)] {
    keys.compactMap { key in
      guard !ledger.read.contains(key), !ignoring.contains(key), !key.hasPrefix("_"),
        let value = members[key], value != .null
      else { return nil }
      return (key, value)
    }
  }

  private func unsupported(_ key: String, _ value: JSONValue) -> FormatError {
    let text = JSON.write(value)
    let shown = text.count > 80 ? text.prefix(77) + "..." : text[...]
    return .unsupportedSetting(key: key, value: String(shown), file: file)
  }

  private func required<Value>(_ key: String, _ found: Value?, _ defaultValue: Value?)
    throws(FormatError) -> Value
  {
    guard let value = found ?? defaultValue else { throw .missingKey(key: key, file: file) }
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
