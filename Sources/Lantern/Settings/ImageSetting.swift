import LanternFormats
import LanternPictures

/// A setting of an image request: one row of the table of settings.
package struct ImageSetting: Sendable {
  /// What a setting is about.
  package enum Part: String, Sendable {
    case prompt, stepping, guidance, noise, size, picture, decoding
  }

  /// When a recipe says the setting.
  enum Writing: Sendable {
    case always, whenChanged
    case when(@Sendable (ImageRequest) -> Bool)
  }

  /// The name: that of its field, or of a part of it. A property of the command line that holds the
  /// option's value has the same name.
  package let name: String
  /// The request's field.
  package let field: String
  /// What the setting is about.
  package let part: Part
  /// What messages call it.
  package let title: String
  /// What documentation calls its type.
  package let type: String
  /// What values it may have, in words; nil for any.
  package let range: String?
  /// Its name in a recipe; nil where recipes do not have it.
  package let key: String?
  /// Where stable-diffusion-webui has it; nil where it does not.
  let webUI: WebUISetting?
  /// How another program's text of it is read.
  let reading: ForeignRecipe.Reading
  /// Its option on the command line, if it has one.
  package let option: SettingOption?

  /// The value that a recipe has; nil where it says nothing.
  let recipeValue: @Sendable (ImageRequest) -> JSONValue?
  /// Takes the value of a recipe, as far as it says one.
  let read: @Sendable (_ recipe: [String: JSONValue], _ request: inout ImageRequest) -> Void
  /// Leaves it open again.
  let forget: @Sendable (inout ImageRequest) -> Void
  /// Checks a request in which every default is decided.
  let check: @Sendable (ImageRequest, ImageModel) throws -> Void
  private let assign: @Sendable (Any, inout ImageRequest) throws -> Void

  /// A setting with a field of its own.
  ///
  /// - Parameters:
  ///   - name: the field's name.
  ///   - path: the field.
  ///   - part: what it is about.
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
  init<Value: SettingValue>(
    _ name: String, _ path: any WritableKeyPath<ImageRequest, Value> & Sendable, _ part: Part,
    title: String? = nil, key: String? = nil, writing: Writing = .whenChanged,
    read: (@Sendable ([String: JSONValue], inout ImageRequest) -> Void)? = nil,
    range: String? = nil, isAllowed: (@Sendable (Value.Given) -> Bool)? = nil,
    check: (@Sendable (ImageRequest, ImageModel) throws -> Void)? = nil,
    webUI: WebUISetting? = nil, reading: ForeignRecipe.Reading? = nil,
    option: SettingOption? = nil
  ) {
    (self.name, self.field, self.part, self.key, self.range) = (name, name, part, key, range)
    let title = title ?? Self.words(name)
    self.title = title
    type = Value.typeName
    self.webUI = webUI
    self.reading = reading ?? .plain(key ?? name) { Value.json(ofForeign: $0) }
    self.option = option
    recipeValue = { request in
      let value = request[keyPath: path].json
      return switch writing {
      case .always: value
      case .whenChanged:
        value == ImageRequest(prompt: "")[keyPath: path].json ? nil : value
      case .when(let isSaid): isSaid(request) ? value : nil
      }
    }
    self.read =
      read ?? { recipe, request in
        guard let key, let value = recipe[key].flatMap({ Value(json: $0) }) else { return }
        request[keyPath: path] = value
      }
    forget = { $0[keyPath: path] = ImageRequest(prompt: "")[keyPath: path] }
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
  ///   - range: what values it may have, in words.
  ///   - isAllowed: whether a value is one of these; nil where the whole is checked.
  ///   - option: its option on the command line.
  ///   - assign: puts a value into a request.
  init<Value: SettingValue>(
    _ name: String, of whole: String, _ part: Part, title: String, range: String,
    isAllowed: (@Sendable (Value) -> Bool)? = nil, option: SettingOption,
    assign: @escaping @Sendable (Value, inout ImageRequest) -> Void
  ) {
    (self.name, field, self.part, self.title, self.range) = (name, whole, part, title, range)
    type = Value.typeName
    (key, webUI) = (nil, nil)
    reading = .told
    self.option = option.taking(
      Value.self,
      check: { value in
        if let isAllowed, !isAllowed(value) {
          throw RequestError.range(name: title, found: "\(value)", allowed: range)
        }
      })
    recipeValue = { _ in nil }
    read = { _, _ in }
    forget = { _ in }
    check = { _, _ in }
    self.assign = { given, request in
      if let value = given as? Value { assign(value, &request) }
    }
  }

  /// Names that stable-diffusion-webui's text has for it, and that of programs that write like it.
  package var webUINames: [String] { webUI?.names ?? [] }

  /// Puts what its option was given into a request.
  package func apply(_ given: Any, to request: inout ImageRequest) throws {
    try assign(given, &request)
  }

  /// A name in words: "guidance rescale" of `guidanceRescale`.
  private static func words(_ name: String) -> String {
    name.reduce(into: "") { text, letter in
      text += letter.isUppercase ? " \(letter.lowercased())" : String(letter)
    }
  }
}

/// Where stable-diffusion-webui's text has a setting.
struct WebUISetting: Sendable {
  /// Its name there, then those of programs that write like it.
  let names: [String]
  /// How it is read, where that is not as other programs' text.
  let reading: ForeignRecipe.Reading?
  /// Other names that say more of it, and how these are read.
  let others: [String: ForeignRecipe.Reading]
  /// What is written.
  let fields: @Sendable (ImageRequest, PictureRecipe) -> [WebUIText.Field]

  /// A setting with a field of its own, which is left out where its value is nil.
  init(
    _ names: String..., reading: ForeignRecipe.Reading? = nil,
    value: @escaping @Sendable (ImageRequest, PictureRecipe) -> String?
  ) {
    (self.names, self.reading, others) = (names, reading, [:])
    fields = { request, recipe in
      value(request, recipe).map { [WebUIText.Field(names[0], $0)] } ?? []
    }
  }

  /// A setting that several fields say.
  init(
    _ names: String..., others: [String: ForeignRecipe.Reading],
    fields: @escaping @Sendable (ImageRequest, PictureRecipe) -> [WebUIText.Field]
  ) {
    (self.names, reading, self.others, self.fields) = (names, nil, others, fields)
  }
}
