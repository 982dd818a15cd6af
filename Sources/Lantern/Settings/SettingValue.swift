import LanternFormats
import LanternSamplers

/// A type that settings of an image request have: as JSON in a recipe, and as other programs' text.
protocol SettingValue: Sendable {
  /// What is given where there is a value: the type itself; of an optional, what it wraps.
  associatedtype Given: Sendable
  /// What documentation calls the type.
  static var typeName: String { get }
  /// The value of a recipe, if it is one of this type.
  init?(json: JSONValue)
  /// The value as a recipe has it; `null` for none.
  var json: JSONValue { get }
  /// A value that was given.
  init(given: Given)
  /// The value, unless it is none.
  var given: Given? { get }
  /// The recipe's value of another program's text; nil where it is none.
  static func json(ofForeign text: String) -> JSONValue?
}

extension SettingValue where Given == Self {
  init(given: Given) { self = given }
  var given: Given? { self }
}

extension SettingValue {
  /// Other programs do not write it.
  static func json(ofForeign text: String) -> JSONValue? { nil }
}

extension Optional: SettingValue where Wrapped: SettingValue, Wrapped.Given == Wrapped {
  static var typeName: String { Wrapped.typeName }
  init?(json: JSONValue) {
    guard let value = Wrapped(json: json) else { return nil }
    self = value
  }
  var json: JSONValue { self?.json ?? .null }
  init(given: Wrapped) { self = given }
  var given: Wrapped? { self }
  static func json(ofForeign text: String) -> JSONValue? { Wrapped.json(ofForeign: text) }
}

extension Int: SettingValue {
  typealias Given = Int
  static var typeName: String { "integer" }
  init?(json: JSONValue) {
    guard let value = json.integer else { return nil }
    self = value
  }
  var json: JSONValue { .integer(self) }
  static func json(ofForeign text: String) -> JSONValue? { integer(ofForeign: text).map(\.json) }
  /// A text that may say "20.0".
  static func integer(ofForeign text: String) -> Int? {
    Int(text) ?? Double.number(ofForeign: text).flatMap { Int(exactly: $0) }
  }
}

extension Double: SettingValue {
  typealias Given = Double
  static var typeName: String { "number" }
  init?(json: JSONValue) {
    guard let value = json.double else { return nil }
    self = value
  }
  var json: JSONValue { .number(self) }
  static func json(ofForeign text: String) -> JSONValue? { number(ofForeign: text).map(\.json) }
  /// A text that says a finite number.
  static func number(ofForeign text: String) -> Double? {
    text.utf8.count <= 64 ? Double(text).flatMap { $0.isFinite ? $0 : nil } : nil
  }
}

extension Float: SettingValue {
  typealias Given = Float
  static var typeName: String { "number" }
  init?(json: JSONValue) {
    guard let value = json.double else { return nil }
    self = Float(value)
  }
  var json: JSONValue { .number(Double(self)) }
  static func json(ofForeign text: String) -> JSONValue? { Double.json(ofForeign: text) }
}

extension Bool: SettingValue {
  typealias Given = Bool
  static var typeName: String { "flag" }
  init?(json: JSONValue) {
    guard let value = json.bool else { return nil }
    self = value
  }
  var json: JSONValue { .bool(self) }
}

extension String: SettingValue {
  typealias Given = String
  static var typeName: String { "text" }
  init?(json: JSONValue) {
    guard let value = json.string else { return nil }
    self = value
  }
  var json: JSONValue { .string(self) }
  static func json(ofForeign text: String) -> JSONValue? { .string(text) }
}

/// A seed: text in a recipe, as many programs read numbers of JSON with 53 bits.
extension UInt64: SettingValue {
  typealias Given = UInt64
  static var typeName: String { "integer of 64 bits" }
  init?(json: JSONValue) {
    guard let value = json.unsigned ?? json.string.flatMap({ UInt64($0) }) else { return nil }
    self = value
  }
  var json: JSONValue { .string(String(self)) }
  /// −1 for any, other negative ones as PyTorch takes them.
  static func json(ofForeign text: String) -> JSONValue? {
    if let number = Int64(text) {
      return .string(number == -1 ? "-1" : String(UInt64(bitPattern: number)))
    }
    return UInt64(text).map(\.json)
  }
}

extension ClosedRange: SettingValue where Bound == Double {
  typealias Given = ClosedRange<Double>
  static var typeName: String { "two numbers" }
  init?(json: JSONValue) {
    guard let ends = json.array?.compactMap(\.double), ends.count == 2, ends[0] <= ends[1] else {
      return nil
    }
    self = ends[0]...ends[1]
  }
  var json: JSONValue { .array([.number(lowerBound), .number(upperBound)]) }
}

extension AdaptiveProjectedGuidance: SettingValue {
  typealias Given = AdaptiveProjectedGuidance
  static var typeName: String { "flag" }
  init?(json: JSONValue) {
    guard let numbers = json.array?.compactMap(\.double), numbers.count == 3 else { return nil }
    self.init(
      parallel: Float(numbers[0]), threshold: Float(numbers[1]), momentum: Float(numbers[2]))
  }
  var json: JSONValue { .array([parallel.json, threshold.json, momentum.json]) }
}

extension DynamicThresholding: SettingValue {
  typealias Given = DynamicThresholding
  static var typeName: String { "number" }
  init?(json: JSONValue) {
    guard let numbers = json.array?.compactMap(\.double), numbers.count == 2 else { return nil }
    self.init(mimicScale: Float(numbers[0]), percentile: Float(numbers[1]))
  }
  var json: JSONValue { .array([mimicScale.json, percentile.json]) }
}

extension Convention: SettingValue {
  typealias Given = Convention
  static var typeName: String { "name" }
  init?(json: JSONValue) {
    guard let value = json.string.flatMap(Convention.init(rawValue:)) else { return nil }
    self = value
  }
  var json: JSONValue { .string(rawValue) }
}

/// A picture, of which a recipe says only that there was one.
extension Picture: SettingValue {
  typealias Given = Picture
  static var typeName: String { "picture" }
  init?(json: JSONValue) { nil }
  var json: JSONValue { .bool(true) }
}

/// A mask, of which a recipe says only that there was one.
extension Mask: SettingValue {
  typealias Given = Mask
  static var typeName: String { "picture" }
  init?(json: JSONValue) { nil }
  var json: JSONValue { .bool(true) }
}
