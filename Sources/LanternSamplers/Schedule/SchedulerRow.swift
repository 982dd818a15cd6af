import LanternFormats

/// A scheduler class of diffusers: the settings that it reads, the values that are supported, and those
/// without effect.
package struct SchedulerRow: Sendable {
  /// The class.
  package let name: String
  /// The settings that it reads; diffusers ignores others.
  package let keys: [String]
  let rules: [Rule]

  /// A rule on a setting.
  struct Rule: Sendable {
    let key: String
    let kind: Kind
    /// Whether the rule applies, by the other settings.
    let holds: @Sendable (Config) -> Bool
    /// Whether the rule applies to configurations of this class alone: in those of another class the setting
    /// is of the solver of that class.
    var isOfOwnFiles = false

    enum Kind: Sendable {
      /// These values, and an absent one, are supported.
      case among([JSONValue])
      /// The setting has no effect, which is noted unless it has its default.
      case idle(default: JSONValue)
      /// The setting is noted with this line.
      case note(String)
    }

    /// A setting with these supported values.
    static func among(
      _ key: String, _ values: [JSONValue],
      when holds: @escaping @Sendable (Config) -> Bool = always
    ) -> Rule { Rule(key: key, kind: .among(values), holds: holds) }

    /// A setting with these supported values in configurations of the class itself.
    static func own(_ key: String, _ values: [JSONValue]) -> Rule {
      Rule(key: key, kind: .among(values), holds: always, isOfOwnFiles: true)
    }

    /// A setting without effect.
    ///
    /// - Parameters:
    ///   - key: its name.
    ///   - defaultValue: the value that is not noted.
    ///   - holds: whether the rule applies.
    /// - Returns: the rule.
    static func idle(
      _ key: String, _ defaultValue: JSONValue,
      when holds: @escaping @Sendable (Config) -> Bool = always
    ) -> Rule { Rule(key: key, kind: .idle(default: defaultValue), holds: holds) }

    static let always: @Sendable (Config) -> Bool = { _ in true }
  }

  /// The error of the first unsupported setting that would change results.
  ///
  /// - Parameters:
  ///   - config: the configuration.
  ///   - className: the class that reads it.
  /// - Returns: nil where all settings are supported.
  func refusal(_ config: Config, of className: String) -> FormatError? {
    for rule in rules where rule.holds(config) && (!rule.isOfOwnFiles || className == name) {
      guard case .among(let values) = rule.kind else { continue }
      do throws(FormatError) {
        try config.expect(rule.key, values)
      } catch {
        return error
      }
    }
    return nil
  }

  /// A line for each setting without effect.
  func notes(_ config: Config) -> [String] {
    rules.compactMap { rule in
      guard rule.holds(config), let value = config.value(rule.key), !value.isNull else {
        return nil
      }
      switch rule.kind {
      case .among: return nil
      case .note(let line): return line
      case .idle(let defaultValue):
        let isDefault =
          value == defaultValue || value.double != nil && value.double == defaultValue.double
        return isDefault ? nil : "\(rule.key) \(JSON.write(value)) has no effect with \(name)"
      }
    }
  }
}
