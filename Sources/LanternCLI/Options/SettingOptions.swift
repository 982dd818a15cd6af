import ArgumentParser
import Lantern

/// A group of options, each of which is a setting's in the table of settings: a property bears the
/// setting's name, and has name, help and checks of its option from the table.
protocol SettingOptions: ParsableArguments {}

extension SettingOptions {
  mutating func validate() throws { try checkSettings() }

  /// Checks what was given, as far as that needs no model.
  func checkSettings() throws {
    let given = given
    for (setting, option) in ImageSetting.options {
      guard let value = given[setting.name] else { continue }
      if let companion = option.companion, companion.isInRequest == nil,
        given[companion.name] == nil
      {
        throw ValidationError(companion.message)
      }
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
  func apply(to request: inout ImageRequest) throws {
    let given = given
    for (setting, option) in ImageSetting.options {
      if let value = given[setting.name] { option.makeRoom(value, &request) }
    }
    for (setting, option) in ImageSetting.options {
      guard let value = given[setting.name] else { continue }
      if let companion = option.companion, companion.isInRequest?(request) == false {
        throw ValidationError(companion.message)
      }
      try setting.put(value, into: &request)
    }
  }

  /// What was given, by the names of settings.
  private var given: [String: Any] { SettingGiven.values(of: self) }
}

extension ImageSetting {
  /// Settings with their options, in the table's order.
  static let options = all.compactMap { setting in setting.option.map { (setting, $0) } }

  /// Puts what its option was given into a request; a text may stand in a file.
  ///
  /// - Throws: an error that names a file that cannot be read, or what cannot be.
  func put(_ value: Any, into request: inout ImageRequest) throws {
    if option?.readsFiles == true, let text = value as? String {
      try apply(try PromptFile.text(ofArgument: text), to: &request)
    } else {
      try apply(value, to: &request)
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

/// A value without the optional around it; nil for none.
private func unwrapped(_ value: Any) -> Any? {
  let mirror = Mirror(reflecting: value)
  return mirror.displayStyle == .optional ? mirror.children.first?.value : value
}

extension Option {
  /// The option of a setting.
  init<T: ExpressibleByArgument>(_ setting: ImageSetting) where Value == T? {
    self.init(
      name: setting.names, parsing: setting.option?.takesDashes == true ? .unconditional : .next,
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
  /// The flag of a setting that has an opposite.
  init(_ setting: ImageSetting) {
    self.init(name: setting.names, inversion: .prefixedNo, help: setting.help)
  }
}

extension ImageSetting {
  /// How the option is spelt.
  fileprivate var names: NameSpecification {
    let short = option?.short.map { [NameSpecification.Element.customShort($0)] } ?? []
    return NameSpecification(short + [.customLong(option?.name ?? name)])
  }

  /// What help says of it.
  fileprivate var help: ArgumentHelp {
    guard let option else { return .hidden }
    guard case .value(let name) = option.kind else { return ArgumentHelp(option.helpWithDefault) }
    return ArgumentHelp(option.helpWithDefault, valueName: name)
  }
}

/// Values are parsed unconditionally: otherwise `--seed -1` would be an option without its value.
extension SeedChoice: ExpressibleByArgument {}
