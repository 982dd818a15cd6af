package import LanternFormats
package import LanternLayers
package import LanternSamplers

/// A type that settings have: as JSON in a recipe, and as other programs' text.
package protocol SettingValue: Sendable {
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
  package init(given: Given) { self = given }
  package var given: Given? { self }
}

extension SettingValue {
  /// Other programs do not write it.
  package static func json(ofForeign text: String) -> JSONValue? { nil }
}

extension Optional: SettingValue where Wrapped: SettingValue, Wrapped.Given == Wrapped {
  package static var typeName: String { Wrapped.typeName }
  package init?(json: JSONValue) {
    guard let value = Wrapped(json: json) else { return nil }
    self = value
  }
  package var json: JSONValue { self?.json ?? .null }
  package init(given: Wrapped) { self = given }
  package var given: Wrapped? { self }
  package static func json(ofForeign text: String) -> JSONValue? { Wrapped.json(ofForeign: text) }
}

extension Int: SettingValue {
  package typealias Given = Int
  package static var typeName: String { "integer" }
  package init?(json: JSONValue) {
    guard let value = json.integer else { return nil }
    self = value
  }
  package var json: JSONValue { .integer(self) }
  package static func json(ofForeign text: String) -> JSONValue? {
    integer(ofForeign: text).map(\.json)
  }
  /// A text that may say "20.0".
  package static func integer(ofForeign text: String) -> Int? {
    Int(text) ?? Double.number(ofForeign: text).flatMap { Int(exactly: $0) }
  }
}

extension Double: SettingValue {
  package typealias Given = Double
  package static var typeName: String { "number" }
  package init?(json: JSONValue) {
    guard let value = json.double else { return nil }
    self = value
  }
  package var json: JSONValue { .number(self) }
  package static func json(ofForeign text: String) -> JSONValue? {
    number(ofForeign: text).map(\.json)
  }
  /// A text that says a finite number.
  package static func number(ofForeign text: String) -> Double? {
    text.utf8.count <= 64 ? Double(text).flatMap { $0.isFinite ? $0 : nil } : nil
  }
}

extension Float: SettingValue {
  package typealias Given = Float
  package static var typeName: String { "number" }
  package init?(json: JSONValue) {
    guard let value = json.double else { return nil }
    self = Float(value)
  }
  package var json: JSONValue { .number(Double(self)) }
  package static func json(ofForeign text: String) -> JSONValue? { Double.json(ofForeign: text) }
}

extension Bool: SettingValue {
  package typealias Given = Bool
  package static var typeName: String { "flag" }
  package init?(json: JSONValue) {
    guard let value = json.bool else { return nil }
    self = value
  }
  package var json: JSONValue { .bool(self) }
}

extension String: SettingValue {
  package typealias Given = String
  package static var typeName: String { "text" }
  package init?(json: JSONValue) {
    guard let value = json.string else { return nil }
    self = value
  }
  package var json: JSONValue { .string(self) }
  package static func json(ofForeign text: String) -> JSONValue? { .string(text) }
}

/// A seed: text in a recipe, as many programs read numbers of JSON with 53 bits.
extension UInt64: SettingValue {
  package typealias Given = UInt64
  package static var typeName: String { "integer of 64 bits" }
  package init?(json: JSONValue) {
    guard let value = json.unsigned ?? json.string.flatMap({ UInt64($0) }) else { return nil }
    self = value
  }
  package var json: JSONValue { .string(String(self)) }
  /// −1 for any, other negative ones as PyTorch takes them.
  package static func json(ofForeign text: String) -> JSONValue? {
    if let number = Int64(text) {
      return .string(number == -1 ? "-1" : String(UInt64(bitPattern: number)))
    }
    return UInt64(text).map(\.json)
  }
}

extension ClosedRange: SettingValue where Bound == Double {
  package typealias Given = ClosedRange<Double>
  package static var typeName: String { "two numbers" }
  package init?(json: JSONValue) {
    guard let ends = json.array?.compactMap(\.double), ends.count == 2, ends[0] <= ends[1] else {
      return nil
    }
    self = ends[0]...ends[1]
  }
  package var json: JSONValue { .array([.number(lowerBound), .number(upperBound)]) }
}

extension AdaptiveProjectedGuidance: SettingValue {
  package typealias Given = AdaptiveProjectedGuidance
  package static var typeName: String { "flag" }
  package init?(json: JSONValue) {
    guard let numbers = json.array?.compactMap(\.double), numbers.count == 3 else { return nil }
    self.init(
      parallel: Float(numbers[0]), threshold: Float(numbers[1]), momentum: Float(numbers[2]))
  }
  package var json: JSONValue { .array([parallel.json, threshold.json, momentum.json]) }
}

extension DynamicThresholding: SettingValue {
  package typealias Given = DynamicThresholding
  package static var typeName: String { "number" }
  package init?(json: JSONValue) {
    guard let numbers = json.array?.compactMap(\.double), numbers.count == 2 else { return nil }
    self.init(mimicScale: Float(numbers[0]), percentile: Float(numbers[1]))
  }
  package var json: JSONValue { .array([mimicScale.json, percentile.json]) }
}

/// Enumerations are written by their names.
extension SettingValue where Self: RawRepresentable, RawValue == String {
  package static var typeName: String { "name" }
  package init?(json: JSONValue) {
    guard let value = json.string.flatMap(Self.init(rawValue:)) else { return nil }
    self = value
  }
  package var json: JSONValue { .string(rawValue) }
}

extension Convention: SettingValue {
  package typealias Given = Convention
}

extension PreviewMethod: SettingValue {
  package typealias Given = PreviewMethod
}

extension StoryConsistency: SettingValue {
  package typealias Given = StoryConsistency
}

extension StoryLanguage: SettingValue {
  package typealias Given = StoryLanguage
}

extension StepCache: SettingValue {
  package typealias Given = StepCache
  package static var typeName: String { "name" }
  package init?(json: JSONValue) {
    guard let value = json.string.flatMap(StepCache.init(_:)) else { return nil }
    self = value
  }
  package var json: JSONValue { .string(text) }
}

/// A picture, of which a recipe says only that there was one.
extension Picture: SettingValue {
  package typealias Given = Picture
  package static var typeName: String { "picture" }
  package init?(json: JSONValue) { nil }
  package var json: JSONValue { .bool(true) }
}

/// A mask, of which a recipe says only that there was one.
extension Mask: SettingValue {
  package typealias Given = Mask
  package static var typeName: String { "picture" }
  package init?(json: JSONValue) { nil }
  package var json: JSONValue { .bool(true) }
}

extension MaskSchedule: SettingValue {
  package typealias Given = MaskSchedule
  package static var typeName: String { "name" }
  package init?(json: JSONValue) {
    guard let value = json.string.flatMap(MaskSchedule.init(named:)) else { return nil }
    self = value
  }
  package var json: JSONValue { .string(name) }
}

/// Several values, in order.
extension Array: SettingValue where Element: SettingValue {
  package typealias Given = [Element]
  package static var typeName: String { "list: \(Element.typeName)" }
  package init?(json: JSONValue) {
    guard let items = json.array else { return nil }
    self = items.compactMap(Element.init(json:))
    if count != items.count { return nil }
  }
  package var json: JSONValue { .array(map(\.json)) }
}

/// A size as `1024x768`.
extension ImageRequest.Size: SettingValue {
  package typealias Given = ImageRequest.Size
  package static var typeName: String { "size" }
  package init?(json: JSONValue) { self.init(json.string ?? "") }
  package var json: JSONValue { .string("\(width)x\(height)") }

  /// The size of a text; nil where it is none of 1 to 65536 pixels a side.
  package init?(_ text: String) {
    guard let (width, height) = pair(text, "x"), width > 0, height > 0 else { return nil }
    self.init(width: width, height: height)
  }
}

/// A corner as `0,128`, the left first.
extension ImageRequest.Corner: SettingValue {
  package typealias Given = ImageRequest.Corner
  package static var typeName: String { "corner" }
  package init?(json: JSONValue) { self.init(json.string ?? "") }
  package var json: JSONValue { .string("\(left),\(top)") }

  /// The corner of a text; nil where it is none of 0 to 65536 pixels.
  package init?(_ text: String) {
    guard let (left, top) = pair(text, ",") else { return nil }
    self.init(left: left, top: top)
  }
}

/// Two integers of 0 to 65536 with a separator between them.
private func pair(_ text: String, _ separator: Character) -> (Int, Int)? {
  let numbers = text.lowercased().split(separator: separator, omittingEmptySubsequences: false)
    .map { Int($0) }
  guard numbers.count == 2, let first = numbers[0], let second = numbers[1],
    (0...65536).contains(first), (0...65536).contains(second)
  else { return nil }
  return (first, second)
}

/// A side that a picture is extended to.
extension TokenPictureRequest.Side: SettingValue {
  package typealias Given = TokenPictureRequest.Side
  package static var typeName: String { "name" }
  package init?(json: JSONValue) {
    guard let value = json.string.flatMap(Self.init(rawValue:)) else { return nil }
    self = value
  }
  package var json: JSONValue { .string(rawValue) }
}

/// A page, of which a recipe says the words, and not the picture.
extension StoryRequest.Page: SettingValue {
  package typealias Given = StoryRequest.Page
  package static var typeName: String { "page" }
  package init?(json: JSONValue) {
    guard let text = json.string else { return nil }
    self.init(text: text)
  }
  package var json: JSONValue { .string(text) }
}

/// An embedding, of which a recipe says the file's name, and not the folder it is in, which is private.
extension TextualInversion: SettingValue {
  package typealias Given = TextualInversion
  package static var typeName: String { "name" }
  package init?(json: JSONValue) {
    guard let label = json.string else { return nil }
    self.init(argument: label)
  }
  package var json: JSONValue { .string(label) }
}
