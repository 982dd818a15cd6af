import LanternFormats
import Testing

/// The program's own description of its commands.
enum CommandTable {
  /// A command.
  struct Command {
    /// As it is typed, without the program's name.
    let name: String
    let discussion: String
    let arguments: [[String: JSONValue]]

    /// Options and flags by their longest name, with its dashes.
    var options: [(name: String, facts: [String: JSONValue])] {
      arguments.compactMap { facts in
        guard facts["kind"]?.string != "positional", facts["shouldDisplay"]?.bool == true,
          let name = facts["preferredName"]?.object?["name"]?.string,
          !["help", "version"].contains(name)
        else { return nil }
        return ("--" + name, facts)
      }
    }

    /// Every spelling of every option, with its dashes.
    var spellings: [String] {
      arguments.flatMap { facts in
        (facts["names"]?.array ?? []).compactMap { name in
          name.object.flatMap { fields in
            fields["name"]?.string.map { (fields["kind"]?.string == "short" ? "-" : "--") + $0 }
          }
        }
      }
    }
  }

  /// All of them, those that have commands below them too.
  static func commands() throws -> [Command] {
    let run = try Program.run(["--experimental-dump-help"], in: "/")
    let tree = try Array(run.output.utf8).withUnsafeBytes { try JSON.parse($0, file: "help") }
    return walk(try #require(tree.object?["command"]?.object), "")
  }

  private static func walk(_ command: [String: JSONValue], _ name: String) -> [Command] {
    let own = Command(
      name: name, discussion: command["discussion"]?.string ?? "",
      arguments: (command["arguments"]?.array ?? []).compactMap(\.object))
    let below = (command["subcommands"]?.array ?? []).compactMap(\.object).filter {
      $0["commandName"]?.string != "help"
    }
    return [own]
      + below.flatMap { child in
        walk(child, name + (name.isEmpty ? "" : " ") + (child["commandName"]?.string ?? ""))
      }
  }
}
