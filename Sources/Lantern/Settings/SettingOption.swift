/// What follows an option's name.
package enum OptionKind: Sendable {
  /// A value, with its name in help.
  case value(String)
  /// A value, with its name in help; the option may stand several times.
  case values(String)
  /// Nothing.
  case flag
  /// Nothing; there is an option that begins with "no-" too, and neither by default.
  case invertibleFlag
}

/// Where the text of an option's value stands.
package enum OptionText: Sendable {
  /// In the value.
  case plain
  /// In the value, or in the file that it names after an @.
  case orInFile
  /// In the file that it names, a text a line.
  case linesOfFile

  /// What help says of a file's lines.
  package static let linesHelp =
    "one prompt a line; empty lines and those that begin with # are skipped; - reads standard input"
}

/// A setting's option on the command line.
package struct SettingOption<Request: Configurable>: Sendable {
  /// Another setting's option that must be given with it.
  package struct Companion: Sendable {
    /// The setting's name.
    package let name: String
    /// The error where it is not.
    package let message: String
    /// Whether a request has it already, where one may, as when a picture is drawn again.
    package var isInRequest: (@Sendable (Request) -> Bool)?
    /// Whether there are as many of both at least, where an option may stand several times.
    package var isCounted = false
  }

  /// The name, without dashes.
  package let name: String
  /// The name of a letter, without its dash.
  package let short: Character?
  /// Other names, without dashes.
  package let aliases: [String]
  /// What follows the name.
  package let kind: OptionKind
  /// What it does, in a sentence or two.
  package let help: String
  /// The default in words; nil for flags that are off.
  package let defaultValue: String?
  /// Whether a value may begin with a dash, as negative numbers do.
  package let takesDashes: Bool
  /// Where the value's text stands.
  package let text: OptionText
  /// The option that must be given with it.
  package let companion: Companion?
  /// Clears the settings that it replaces, before options of a line are applied.
  package private(set) var makeRoom: @Sendable (_ given: Any, _ request: inout Request) -> Void
  /// Checks a value that needs no model to be wrong.
  package private(set) var check: @Sendable (_ given: Any) throws -> Void
  /// Puts a value into a request; the setting's field takes it as it is when nil.
  private(set) var assign: (@Sendable (_ given: Any, _ request: inout Request) throws -> Void)?

  /// An option whose value goes into the setting's field as it is.
  package init(
    _ name: String, short: Character? = nil, aliases: [String] = [], _ kind: OptionKind,
    _ help: String,
    default defaultValue: String? = nil, takesDashes: Bool = true, text: OptionText = .plain,
    companion: Companion? = nil
  ) {
    (self.name, self.short, self.aliases, self.kind) = (name, short, aliases, kind)
    (self.help, self.defaultValue) = (help, defaultValue)
    (self.takesDashes, self.text) = (takesDashes, text)
    self.companion = companion
    makeRoom = { _, _ in }
    check = { _ in }
  }

  /// The option of another request's setting; nil where that has none.
  ///
  /// - Parameters:
  ///   - setting: the other request's.
  ///   - kind: what follows the name, where that is something else.
  ///   - help: what it does, where that is something else.
  ///   - defaultValue: the default in words, where that is something else.
  package init?<Other>(
    like setting: Setting<Other>, _ kind: OptionKind? = nil, _ help: String? = nil,
    default defaultValue: String? = nil
  ) {
    guard let other = setting.option else { return nil }
    self.init(
      other.name, short: other.short, aliases: other.aliases, kind ?? other.kind,
      help ?? other.help, default: defaultValue ?? other.defaultValue,
      takesDashes: other.takesDashes, text: other.text)
    // A value of another kind is not what the other's check takes.
    if kind == nil { check = other.check }
  }

  /// The same option, whose value is checked, or goes into a request in another way.
  ///
  /// - Parameters:
  ///   - type: what the command line hands over.
  ///   - makeRoom: clears the settings that it replaces.
  ///   - check: throws for a value that no model could take.
  ///   - assign: puts a value into a request.
  /// - Returns: the option.
  package func taking<Given>(
    _ type: Given.Type, makeRoom: (@Sendable (Given, inout Request) -> Void)? = nil,
    check: (@Sendable (Given) throws -> Void)? = nil,
    assign: (@Sendable (Given, inout Request) throws -> Void)? = nil
  ) -> SettingOption {
    var option = self
    if let makeRoom {
      option.makeRoom = { given, request in
        if let given = given as? Given { makeRoom(given, &request) }
      }
    }
    if let check { option.check = { given in if let given = given as? Given { try check(given) } } }
    if let assign {
      option.assign = { given, request in
        if let given = given as? Given { try assign(given, &request) }
      }
    }
    return option
  }

  /// The help with the default.
  package var helpWithDefault: String { defaultValue.map { "\(help) (default: \($0))" } ?? help }
}

/// A seed as PyTorch takes it: any integer of 64 bits; −1 is a random one.
package struct SeedChoice: Sendable {
  /// The seed; nil for a random one.
  package let number: UInt64?

  /// The seed of a text, if it is one.
  package init?(argument: String) {
    guard let number = UInt64(argument) ?? Int64(argument).map(UInt64.init(bitPattern:)) else {
      return nil
    }
    self.number = argument == "-1" ? nil : number
  }
}
