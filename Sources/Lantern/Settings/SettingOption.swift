/// A setting's option on the command line.
package struct SettingOption: Sendable {
  /// What follows the name.
  package enum Kind: Sendable {
    /// A value, with its name in help.
    case value(String)
    /// Nothing.
    case flag
    /// Nothing; there is an option that begins with "no-" too, and neither when nothing is said.
    case invertibleFlag
  }

  /// Another setting's option that must stand beside it.
  package struct Companion: Sendable {
    /// The setting's name.
    package let name: String
    /// What is said where it does not.
    package let message: String
    /// Whether a request has it already, where one may, as when a picture is drawn again.
    package var isInRequest: (@Sendable (ImageRequest) -> Bool)?
  }

  /// The name, without dashes.
  package let name: String
  /// The name of a letter, without its dash.
  package let short: Character?
  /// What follows the name.
  package let kind: Kind
  /// What it does, in a sentence or two.
  package let help: String
  /// What holds without it; nil for flags that are off.
  package let standard: String?
  /// Whether a value may begin with a dash, as negative numbers do.
  package let takesDashes: Bool
  /// Whether a value that begins with @ names a file with the text.
  package let readsFiles: Bool
  /// What must stand beside it.
  package let companion: Companion?
  /// Leaves open what it takes the place of, before options of a line are applied.
  package private(set) var makeRoom: @Sendable (_ given: Any, _ request: inout ImageRequest) -> Void
  /// Checks a value that needs no model to be wrong.
  package private(set) var check: @Sendable (_ given: Any) throws -> Void
  /// Puts a value into a request; the setting's field takes it as it is when nil.
  private(set) var assign: (@Sendable (_ given: Any, _ request: inout ImageRequest) throws -> Void)?

  /// An option whose value goes into the setting's field as it is.
  init(
    _ name: String, short: Character? = nil, _ kind: Kind, _ help: String,
    default standard: String? = nil, takesDashes: Bool = true, readsFiles: Bool = false,
    companion: Companion? = nil
  ) {
    (self.name, self.short, self.kind) = (name, short, kind)
    (self.help, self.standard) = (help, standard)
    (self.takesDashes, self.readsFiles) = (takesDashes, readsFiles)
    self.companion = companion
    makeRoom = { _, _ in }
    check = { _ in }
  }

  /// The same option, whose value is checked, or goes into a request in another way.
  ///
  /// - Parameters:
  ///   - type: what the command line hands over.
  ///   - makeRoom: leaves open what it takes the place of.
  ///   - check: throws for a value that no model could take.
  ///   - assign: puts a value into a request.
  /// - Returns: the option.
  func taking<Given>(
    _ type: Given.Type, makeRoom: (@Sendable (Given, inout ImageRequest) -> Void)? = nil,
    check: (@Sendable (Given) throws -> Void)? = nil,
    assign: (@Sendable (Given, inout ImageRequest) throws -> Void)? = nil
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

  /// The help with what holds without the option.
  package var helpWithDefault: String { standard.map { "\(help) (default: \($0))" } ?? help }
}

/// A seed as PyTorch takes it: any whole number of 64 bits; −1 is one by chance.
package struct SeedChoice: Sendable {
  /// The seed; nil for one by chance.
  package let number: UInt64?

  /// The seed of a text, if it is one.
  package init?(argument: String) {
    guard let number = UInt64(argument) ?? Int64(argument).map(UInt64.init(bitPattern:)) else {
      return nil
    }
    self.number = argument == "-1" ? nil : number
  }
}
