import ArgumentParser
import Dispatch
import Lantern
import LanternFormats
import LanternPlatform
import LanternServer
import LanternTensor

/// `lantern serve`: models kept in memory, behind HTTP.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Keeps models in memory and answers over HTTP: a page, and APIs.",
    discussion: """
      lantern serve
      lantern serve writer=FOLDER/smollm2.gguf painter=FOLDER/sdxl.safetensors
      lantern serve --models FOLDER --port 8080
      lantern serve --host 0.0.0.0 --token SECRET

      A browser finds a page at http://127.0.0.1:7860. Programs find what OpenAI's clients call (/v1: chat, \
      completions, embeddings, images), stable-diffusion-webui's (/sdapi/v1), Ollama's (/api), and jobs with events \
      (/jobs). docs/server.md lists all. The shipped models are always there; models are loaded when \
      they are needed. Ctrl-C ends it. --verbose prints a line for each call.
      """)

  @Argument(
    help: ArgumentHelp(
      "A model and the name it is served by; the file's or folder's when there is none.",
      valueName: "name=path"))
  var model: [String] = []

  @OptionGroup(title: "Server options") var server: ServerOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
  }

  func run() throws {
    let console = messages.console
    try ErrorReport.reporting(to: console) { try serve(console) }
  }

  private func serve(_ console: Console) throws {
    var wanted = ServerConfiguration()
    (wanted.host, wanted.port, wanted.token) = (server.host, server.port, server.token)
    guard wanted.isLoopback || server.token != nil else {
      throw ValidationError(
        "other machines can reach \(server.host): give a --token that callers must send")
    }
    (wanted.origins, wanted.folders) = (server.cors, server.models)
    wanted.models = try model.map(Self.named)
    wanted.precision = computing.precision ?? .default
    wanted.memoryLimit = server.memoryLimit.map { $0 << 20 }
    (wanted.slots, wanted.queueLimit) = (server.parallel, server.queue)
    threads.apply(console)
    let running = try Server(wanted) { console.detail($0) }
    let address = server.host.contains(":") ? "[\(server.host)]" : server.host
    let (done, outcome) = (DispatchSemaphore(value: 0), Locked<(any Error)?>(nil))
    Task {
      do {
        try await running.run { port in
          console.event([
            "event": "listening", "host": .string(address), "port": .integer(port),
          ])
          console.report("listens on http://\(address):\(port)")
        }
      } catch {
        outcome { $0 = error }
      }
      done.signal()
    }
    done.wait()
    if let error = outcome({ $0 }) { throw error }
  }

  /// A model's name and path.
  private static func named(_ text: String) throws -> (name: String, path: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[0].isEmpty, !parts[0].contains("/") {
      return (String(parts[0]), String(parts[1]))
    }
    var name = HubCache.name(of: text)
    if let dot = name.lastIndex(of: "."), FileSystem.isFile(text) { name = String(name[..<dot]) }
    return (name, text)
  }
}

/// Where a server listens, and what it allows.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder whose models are served by their names, those that come later too. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var models: [String] = []

  @Option(help: ArgumentHelp("Where it listens.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("The port; 0 for a free one.", valueName: "number"))
  var port = 7860

  @Option(
    help: ArgumentHelp(
      "What callers send as Authorization: Bearer TOKEN. (default: nothing; needed with another address than this machine's)",
      valueName: "token"))
  var token: String?

  @Option(
    help: ArgumentHelp(
      "Another origin whose pages may call, as http://localhost:3000; * for all. (default: none)",
      valueName: "origin"))
  var cors: [String] = []

  @Option(
    help: ArgumentHelp(
      "MiB that loaded models may take together. (default: what the system has)", valueName: "MiB"))
  var memoryLimit: Int?

  @Option(help: ArgumentHelp("Texts that a language model writes at once.", valueName: "number"))
  var parallel = LanguageGenerator.standardParallel

  @Option(help: ArgumentHelp("Pictures that may wait.", valueName: "number"))
  var queue = 64

  mutating func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("port \(port): choose 0 to 65535")
    }
    guard (1...64).contains(parallel) else {
      throw ValidationError("parallel \(parallel): choose 1 to 64")
    }
    guard (1...100_000).contains(queue) else {
      throw ValidationError("queue \(queue): choose 1 to 100000")
    }
    if let memoryLimit, !(1...1 << 30).contains(memoryLimit) {
      throw ValidationError("memory limit \(memoryLimit): choose 1 MiB or more")
    }
    if token?.isEmpty == true { throw ValidationError("--token is empty") }
  }
}
