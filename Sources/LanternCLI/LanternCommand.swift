import LanternPlatform
import ArgumentParser
import Lantern
import LanternTensor

/// The program: its subcommands and what it says of itself.
@main
struct LanternCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lantern",
    abstract: "Draws pictures and tells stories.",
    discussion: """
      lantern image "a red fox on the beach"
      lantern image "a blue house at night" -o house.png --steps 20 --seed 7
      lantern story "a story about a red fox who looks for a key"
      lantern caption house.png
      lantern inspect picturebook
      lantern pull OWNER/NAME

      Exit codes: 0 done; 1 two traces differ, or another failure; 64 the command or a value in it \
      makes no sense; 65 a file is damaged or not supported; 66 a file is missing; 69 a hub of models cannot be reached; 71 out of memory; \
      73 a file cannot be written; 74 standard output cannot be written, or a file was lost while it was read; \
      75 another lantern writes there, or a hub is busy; 129, 130 or 143 stopped by a hangup, Ctrl-C or SIGTERM.
      """,
    version: LanternVersion.number,
    subcommands: [
      BenchCommand.self, CaptionCommand.self, ChatCommand.self, ConvertCommand.self,
      EmbedCommand.self, EvalCommand.self, ImageCommand.self,
      InspectCommand.self, LibraryCommand.self, MCPCommand.self, PaintCommand.self,
      PullCommand.self,
      SamplersCommand.self,
      ScheduleCommand.self, ServeCommand.self,
      SheetCommand.self, StoryCommand.self, TraceCommand.self, UpscaleCommand.self,
      WriteCommand.self,
    ])

  /// Runs the program; a mistake in the command is one line on standard error.
  static func main() {
    Interruption.refuseDeath()
    LostFile.listen()
    // With less, parsing the command ends in a signal.
    guard Memory.isEnoughToBegin else {
      Console.write(
        "Error: out of memory before anything began: give it more\n", to: .standardError)
      Self.exit(withError: ExitCode(71))
    }
    DeepStack.run {
      do {
        var command = try CommandLineSpelling.command(Array(CommandLine.arguments.dropFirst()))
        try command.run()
      } catch {
        ErrorReport.exit(of: self, with: error)
      }
    }
    ErrorReport.exit(of: self)
  }
}
