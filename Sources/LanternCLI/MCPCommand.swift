import ArgumentParser
import Lantern
import LanternFormats
import LanternPlatform
import LanternServer
import LanternTensor

/// `lantern mcp`: tools for chat programs, over standard input and output.
struct MCPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcp",
    abstract: "Gives chat programs tools that draw, tell stories and describe.",
    discussion: """
      lantern mcp
      lantern mcp painter=FOLDER/sdxl.safetensors

      Speaks the Model Context Protocol over standard input and output, in its revision of 2026-07-28 and those \
      before it. A chat program starts it; its settings name the command, as \
      {"mcpServers": {"lantern": {"command": "lantern", "args": ["mcp"]}}}. The tools are image, story and \
      caption. Models are loaded when they are needed.
      """)

  @Argument(
    help: ArgumentHelp(
      "A model and the name it is called by; the file's or folder's when there is none.",
      valueName: "name=path"))
  var model: [String] = []

  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions

  @Option(
    help: ArgumentHelp(
      "MiB that loaded models may take together. (default: what the system has)", valueName: "MiB"))
  var memoryLimit: Int?

  @Flag(name: .shortAndLong, help: "Print on standard error what is loaded.")
  var verbose = false

  mutating func validate() throws {
    try checkEncoding()
    try ServerOptions.check(memoryLimit: memoryLimit)
  }

  func run() throws {
    let console = Console(isJSON: false, isQuiet: !verbose)
    try ErrorReport.reporting(to: console) {
      var wanted = ServerConfiguration()
      wanted.models = try model.map(ServeCommand.named)
      wanted.precision = computing.precision ?? .default
      wanted.memoryLimit = memoryLimit.map { $0 << 20 }
      threads.apply(console)
      let lock = Locked(())
      let server = try MCPServer(wanted) {
        console.report($0)
      } write: { line in
        lock { _ in Console.write(line + "\n", to: .standardOutput) }
      }
      while let line = readLine() {
        if line.contains(where: { !$0.isWhitespace }) { server.receive(line) }
      }
      // What was called is answered before the end.
      try Waiting.run { await server.finish() }
    }
  }
}
