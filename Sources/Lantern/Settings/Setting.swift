package import LanternFormats
import LanternPictures

/// A request whose settings stand in a table.
package protocol Configurable: Sendable {
  /// What a row may look at to check a request; `Void` where it looks at the request alone.
  associatedtype Model = Void
  /// The table. Options are applied, requests checked and fields of webui's text written in its order.
  static var settings: [Setting<Self>] { get }
  /// The request that says nothing.
  static var `default`: Self { get }
}

/// What a setting is about.
package enum SettingPart: String, Sendable {
  case prompt, stepping, guidance, noise, size, picture, control, decoding, words
}

/// A setting of a request: one row of its table.
package struct Setting<Request: Configurable>: Sendable {
  /// When a recipe says the setting.
  package enum Writing: Sendable {
    case always, whenChanged
    case when(@Sendable (Request) -> Bool)
  }

  /// The name: that of its field, or of a part of it. A property of the command line that holds the
  /// option's value has the same name.
  package let name: String
  /// The request's field.
  package let field: String
  /// What the setting is about.
  package let part: SettingPart
  /// What messages call it.
  package let title: String
  /// What documentation calls its type.
  package let type: String
  /// What values it may have, in words; nil for any.
  package let range: String?
  /// Its name in a recipe; nil where recipes do not have it.
  package let key: String?
  /// Where stable-diffusion-webui has it; nil where it does not.
  let webUI: WebUISetting<Request>?
  /// How another program's text of it is parsed.
  let reading: ForeignRecipe.Reading
  /// Its option on the command line, if it has one.
  package let option: SettingOption<Request>?

  /// The value that a recipe has; nil where it says nothing.
  let recipeValue: @Sendable (Request) -> JSONValue?
  /// Whether every recipe has it.
  let isAlwaysWritten: Bool
  /// Takes the value of a recipe, as far as it says one; false for a value of another type.
  let read: @Sendable (_ recipe: [String: JSONValue], _ request: inout Request) -> Bool
  /// Whether two requests say different things.
  package let differs: @Sendable (Request, Request) -> Bool
  /// The value; nil where the request says nothing.
  private let value: @Sendable (Request) -> JSONValue?
  /// Takes a value; false for one of another type.
  private let take: @Sendable (JSONValue, inout Request) -> Bool
  /// Leaves it open again.
  let forget: @Sendable (inout Request) -> Void
  /// The request of settings of which a caller gives some, as a recipe names them.
  ///
  /// - Parameters:
  ///   - settings: what is given.
  ///   - file: what errors call it.
  /// - Returns: the request, and the keys that are none of its settings.
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for a value of another type.
  package static func request(
    ofSome settings: [String: JSONValue], file: String
  ) throws(FormatError) -> (request: Request, unknown: Set<String>) {
    var (request, unknown) = (Request.default, Set(settings.keys))
    for setting in all {
      guard let key = setting.key else { continue }
      unknown.remove(key)
      guard setting.read(settings, &request) else {
        throw .wrongType(key: key, expected: setting.type, file: file)
      }
    }
    return (request, unknown)
  }

  /// Checks a request in which every default is decided.
  let check: @Sendable (Request, Request.Model) throws -> Void
  private let assign: @Sendable (Any, inout Request) throws -> Void

  /// A setting with a field of its own.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - path: the field.
  ///   - part: what it is about.
  ///   - field: the field's name, where the setting has another.
  ///   - title: what messages call it; the name in words when nil.
  ///   - key: its name in a recipe.
  ///   - writing: when a recipe says it.
  ///   - read: how a recipe is read, where the value under `key` is not all.
  ///   - range: what values it may have, in words.
  ///   - isAllowed: whether a value is one of these.
  ///   - check: what else is checked.
  ///   - webUI: where stable-diffusion-webui has it.
  ///   - reading: how other programs' text is read, where it is not plainly the value.
  ///   - option: its option on the command line.
  package init<Value: SettingValue>(
    _ name: String, _ path: any WritableKeyPath<Request, Value> & Sendable, _ part: SettingPart,
    field: String? = nil, title: String? = nil, key: String? = nil, writing: Writing = .whenChanged,
    read: (@Sendable ([String: JSONValue], inout Request) -> Bool)? = nil,
    range: String? = nil, isAllowed: (@Sendable (Value.Given) -> Bool)? = nil,
    check: (@Sendable (Request, Request.Model) throws -> Void)? = nil,
    webUI: WebUISetting<Request>? = nil, reading: ForeignRecipe.Reading? = nil,
    option: SettingOption<Request>? = nil
  ) {
    (self.name, self.part, self.key, self.range) = (name, part, key, range)
    self.field = field ?? name
    let title = title ?? Self.words(name)
    self.title = title
    type = Value.typeName
    self.webUI = webUI
    self.reading = reading ?? .plain(key ?? name) { Value.json(ofForeign: $0) }
    self.option = option
    let differs: @Sendable (Request, Request) -> Bool = {
      $0[keyPath: path].json != $1[keyPath: path].json
    }
    self.differs = differs
    if case .always = writing { isAlwaysWritten = true } else { isAlwaysWritten = false }
    recipeValue = { request in
      let isSaid =
        switch writing {
        case .always: true
        case .whenChanged: differs(request, .default)
        case .when(let isSaid): isSaid(request)
        }
      return isSaid ? request[keyPath: path].json : nil
    }
    self.read =
      read ?? { recipe, request in
        guard let key, let json = recipe[key], json != .null else { return true }
        guard let value = Value(json: json) else { return false }
        request[keyPath: path] = value
        return true
      }
    value = { differs($0, .default) ? $0[keyPath: path].json : nil }
    take = { json, request in
      guard let value = Value(json: json) else { return false }
      request[keyPath: path] = value
      return true
    }
    forget = { $0[keyPath: path] = Request.default[keyPath: path] }
    self.check = { request, model in
      if let isAllowed, let value = request[keyPath: path].given, !isAllowed(value) {
        throw RequestError.range(name: title, found: "\(value)", allowed: range ?? "")
      }
      try check?(request, model)
    }
    assign =
      option?.assign ?? { @Sendable given, request in
        if let given = given as? Value.Given { request[keyPath: path] = Value(given: given) }
      }
  }

  /// A part of a setting, with an option of its own; recipes have it within the whole.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - whole: the setting's.
  ///   - part: what it is about.
  ///   - title: what messages call it.
  ///   - range: what values it may have, in words; nil for any.
  ///   - isAllowed: whether a value is one of these; nil where the whole is checked.
  ///   - option: its option on the command line.
  ///   - assign: puts a value into a request.
  init<Value: SettingValue>(
    _ name: String, of whole: String, _ part: SettingPart, title: String, range: String? = nil,
    isAllowed: (@Sendable (Value) -> Bool)? = nil, option: SettingOption<Request>,
    assign: @escaping @Sendable (Value, inout Request) throws -> Void
  ) {
    (self.name, field, self.part, self.title, self.range) = (name, whole, part, title, range)
    type = Value.typeName
    (key, webUI) = (nil, nil)
    reading = .ignored
    self.option = option.taking(
      Value.self,
      check: { value in
        if let isAllowed, !isAllowed(value) {
          throw RequestError.range(name: title, found: "\(value)", allowed: range ?? "")
        }
      })
    recipeValue = { _ in nil }
    isAlwaysWritten = false
    read = { _, _ in true }
    (value, take) = ({ _ in nil }, { _, _ in false })
    differs = { _, _ in false }
    forget = { _ in }
    check = { _, _ in }
    self.assign = { given, request in
      if let value = given as? Value { try assign(value, &request) }
    }
  }

  /// Whether a request says something else than it would without.
  func isChanged(_ request: Request) -> Bool { differs(request, .default) }

  /// Names that stable-diffusion-webui's text has for it, and that of programs that write like it.
  package var webUINames: [String] { webUI?.names ?? [] }

  /// Puts what its option was given into a request.
  package func apply(_ given: Any, to request: inout Request) throws {
    try assign(given, &request)
  }

  /// A name in words: "guidance rescale" of `guidanceRescale`.
  private static func words(_ name: String) -> String {
    name.reduce(into: "") { text, letter in
      text += letter.isUppercase ? " \(letter.lowercased())" : String(letter)
    }
  }
}

extension Setting {
  /// All settings of the request.
  package static var all: [Setting] { Request.settings }

  /// The settings of a request as a recipe has them.
  package static func recipe(of request: Request) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for setting in all {
      if let key = setting.key { values[key] = setting.recipeValue(request) }
    }
    return values
  }

  /// The settings in which a request says something, by their names: those too that recipes do not have.
  package static func values(of request: Request) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for setting in all { values[setting.name] = setting.value(request) }
    return values
  }

  /// The request of settings by their names.
  ///
  /// - Parameters:
  ///   - values: what is given.
  ///   - file: what errors call it.
  /// - Returns: the request, and the names that are none of its settings.
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for a value of another type.
  package static func request(
    ofValues values: [String: JSONValue], file: String
  ) throws(FormatError) -> (request: Request, unknown: Set<String>) {
    var (request, unknown) = (Request.default, Set(values.keys))
    for setting in all {
      guard let value = values[setting.name] else { continue }
      unknown.remove(setting.name)
      guard setting.take(value, &request) else {
        throw .wrongType(key: setting.name, expected: setting.type, file: file)
      }
    }
    return (request, unknown)
  }

  /// The request of a recipe's settings; what is none of theirs is passed over.
  static func request(of recipe: [String: JSONValue]) -> Request {
    var request = Request.default
    for setting in all { _ = setting.read(recipe, &request) }
    return request
  }

  /// The request of a recipe that must be whole.
  ///
  /// - Throws: ``FormatError/missingKey(key:file:)`` where a setting that every recipe has is not there,
  ///   ``FormatError/wrongType(key:expected:file:)`` for a value of another type.
  package static func request(
    of recipe: [String: JSONValue], file: String
  ) throws(FormatError) -> Request {
    var request = Request.default
    for setting in all {
      guard let key = setting.key else { continue }
      if setting.isAlwaysWritten, recipe[key] == nil { throw .missingKey(key: key, file: file) }
      guard setting.read(recipe, &request) else {
        throw .wrongType(key: key, expected: setting.type, file: file)
      }
    }
    return request
  }

  /// Checks a request in which every default is decided.
  ///
  /// - Throws: `RequestError` for the first setting, in the table's order, that is out of its range.
  static func check(_ request: Request, with model: Request.Model) throws {
    for setting in all { try setting.check(request, model) }
  }
}
