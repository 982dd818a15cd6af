import ArgumentParser
import Lantern

/// A group of options, each of which is a setting's in a table of settings: a property bears the
/// setting's name, and has name, help and checks of its option from the table.
protocol SettingOptions: ParsableArguments {
  /// Whose table it is. Other requests take the group's options too, as far as their tables have
  /// settings of the same names.
  associatedtype Request: Configurable = ImageRequest
}

extension SettingOptions {
  mutating func validate() throws { try checkSettings() }

  /// Checks what was given, as far as that needs no model.
  func checkSettings() throws {
    let given = given
    for (setting, option) in Setting<Request>.options {
      guard let value = given[setting.name] else { continue }
      if let companion = option.companion, companion.isInRequest == nil,
        !companion.isBeside(value, given[companion.name])
      {
        throw ValidationError(companion.message)
      }
      try option.checkNames(value)
      do {
        try option.check(value)
      } catch let error as RequestError {
        throw ValidationError(error.description)
      }
    }
  }

  /// Puts what was given into a request, in the table's order.
  ///
  /// - Throws: an error that names a file that cannot be read, or what cannot be.
  func apply<Other: Configurable>(to request: inout Other) throws {
    try [self as any SettingOptions].apply(to: &request)
  }

  /// What was given, by the names of settings.
  fileprivate var given: [String: Any] { SettingGiven.values(of: self) }
}

extension [any SettingOptions] {
  /// Puts what was given in all groups into a request, in the table's order.
  ///
  /// - Throws: an error that names a file that cannot be read, or what cannot be.
  func apply<Request: Configurable>(to request: inout Request) throws {
    let given = reduce(into: [String: Any]()) { all, group in
      all.merge(group.given) { first, _ in first }
    }
    for (setting, option) in Setting<Request>.options {
      if let value = given[setting.name] { option.makeRoom(value, &request) }
    }
    for (setting, option) in Setting<Request>.options {
      guard let value = given[setting.name] else { continue }
      if let companion = option.companion, companion.isInRequest?(request) == false {
        throw ValidationError(companion.message)
      }
      try setting.put(value, into: &request)
    }
  }
}

extension SettingOption {
  /// Refuses an empty name where a file is named.
  fileprivate func checkNames(_ value: Any) throws {
    switch (kind, value) {
    case (.value(let name), let text as String) where name.hasPrefix("file"):
      _ = try FileArgument.named(text)
    case (.values(let name), let texts as [String]) where name.hasPrefix("file"):
      for text in texts { _ = try FileArgument.named(text) }
    default: break
    }
  }
}

extension SettingOption.Companion {
  /// Whether the other option was given, as often at least where that counts.
  fileprivate func isBeside(_ value: Any, _ other: Any?) -> Bool {
    guard isCounted, let values = value as? [Any] else { return other != nil }
    return values.count <= (other as? [Any])?.count ?? 0
  }
}

extension Setting {
  /// Settings with their options, in the table's order.
  static var options: [(Setting, SettingOption<Request>)] {
    all.compactMap { setting in setting.option.map { (setting, $0) } }
  }

  /// Puts what its option was given into a request; a text may stand in a file.
  ///
  /// - Throws: an error that names a file that cannot be read, or what cannot be.
  func put(_ value: Any, into request: inout Request) throws {
    switch (option?.text, value) {
    case (.orInFile, let text as String):
      try apply(try PromptFile.text(ofArgument: text), to: &request)
    case (.linesOfFile, let path as String): try apply(try PromptFile.prompts(path), to: &request)
    default: try apply(value, to: &request)
    }
  }
}

/// What the properties of groups of options hold.
private enum SettingGiven {
  /// The values that were given, by the names of properties, those of groups within too.
  static func values(of group: Any) -> [String: Any] {
    var values: [String: Any] = [:]
    for child in Mirror(reflecting: group).children {
      // A property wrapper is stored under the property's name behind "_".
      guard let property = child.value as? any SettingProperty, let label = child.label else {
        continue
      }
      if let inner = property.group {
        values.merge(self.values(of: inner)) { old, _ in old }
      } else {
        values[String(label.dropFirst())] = property.given
      }
    }
    return values
  }
}

/// A property of a group: an option, a flag or a group.
private protocol SettingProperty {
  /// The value, if one was given.
  var given: Any? { get }
  /// The group, if it is one.
  var group: Any? { get }
}

extension Option: SettingProperty {
  fileprivate var given: Any? { unwrapped(wrappedValue) }
  fileprivate var group: Any? { nil }
}

extension Flag: SettingProperty {
  fileprivate var given: Any? {
    // A flag that has no opposite is off when it is not given.
    if let flag = wrappedValue as? Bool, Value.self == Bool.self { return flag ? flag : nil }
    return unwrapped(wrappedValue)
  }
  fileprivate var group: Any? { nil }
}

extension OptionGroup: SettingProperty {
  fileprivate var given: Any? { nil }
  fileprivate var group: Any? { wrappedValue }
}

/// A value without the optional around it; nil for none, and for no values of an option that may
/// stand several times.
private func unwrapped(_ value: Any) -> Any? {
  if let values = value as? [Any] { return values.isEmpty ? nil : values }
  let mirror = Mirror(reflecting: value)
  return mirror.displayStyle == .optional ? mirror.children.first?.value : value
}

extension Option {
  /// The option of a picture's setting.
  init<T: ExpressibleByArgument>(_ setting: ImageSetting) where Value == T? {
    self.init(of: setting)
  }

  /// The option of a setting.
  init<T: ExpressibleByArgument, Request>(_ setting: Setting<Request>) where Value == T? {
    self.init(of: setting)
  }

  private init<T: ExpressibleByArgument, Request>(of setting: Setting<Request>) where Value == T? {
    self.init(
      name: setting.names, parsing: setting.option?.takesDashes == true ? .unconditional : .next,
      help: setting.help)
  }

  /// The option of a setting that may stand several times.
  init<T: ExpressibleByArgument, Request>(wrappedValue: [T], _ setting: Setting<Request>)
  where Value == [T] {
    self.init(
      wrappedValue: wrappedValue, name: setting.names,
      parsing: setting.option?.takesDashes == true ? .unconditionalSingleValue : .singleValue,
      help: setting.help)
  }
}

extension Flag where Value == Bool {
  /// The flag of a setting.
  init(wrappedValue: Bool, _ setting: ImageSetting) {
    self.init(wrappedValue: wrappedValue, name: setting.names, help: setting.help)
  }
}

extension Flag where Value == Bool? {
  /// The flag of a picture's setting that has an opposite.
  init(_ setting: ImageSetting) { self.init(of: setting) }

  /// The flag of a setting that has an opposite.
  init<Request>(_ setting: Setting<Request>) { self.init(of: setting) }

  private init<Request>(of setting: Setting<Request>) {
    self.init(name: setting.names, inversion: .prefixedNo, help: setting.help)
  }
}

extension Setting {
  /// How the option is spelt.
  fileprivate var names: NameSpecification {
    let short = option?.short.map { [NameSpecification.Element.customShort($0)] } ?? []
    let long = [option?.name ?? name] + (option?.aliases ?? [])
    return NameSpecification(short + long.map { .customLong($0) })
  }

  /// What help says of it.
  fileprivate var help: ArgumentHelp {
    guard let option else { return .hidden }
    return switch option.kind {
    case .value(let name), .values(let name):
      ArgumentHelp(option.helpWithDefault, valueName: name)
    case .flag, .invertibleFlag: ArgumentHelp(option.helpWithDefault)
    }
  }
}

/// Values are parsed unconditionally: otherwise `--seed -1` would be an option without its value.
extension SeedChoice: ExpressibleByArgument {}
