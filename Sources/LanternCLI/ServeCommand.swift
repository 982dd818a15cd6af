import ArgumentParser
import Lantern
import LanternFormats
import LanternHub
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
      lantern serve --tls-certificate cert.pem --tls-key key.pem
      lantern serve --settings serve.json

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
  @OptionGroup(title: "Folder options") var addOns: AddOnFolderOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
  }

  func run() throws {
    try ErrorReport.reporting(to: messages.console) {
      guard let file = server.settings else { return try serve(messages.console) }
      let words = CommandLine.arguments.drop { $0 != Self.configuration.commandName }.dropFirst()
      let command = try SettingsFile(file).command(Self.self, Array(words))
      try command.serve(command.messages.console)
    }
  }

  private func serve(_ console: Console) throws {
    var wanted = ServerConfiguration()
    (wanted.host, wanted.port, wanted.token) = (server.host, server.port, server.token)
    guard wanted.isLoopback || server.token != nil else {
      throw ValidationError(
        "other machines can reach \(server.host): give a --token that callers must send")
    }
    (wanted.origins, wanted.folders) = (server.cors, server.models)
    wanted.certificate = server.tlsCertificate.flatMap { chain in server.tlsKey.map { (chain, $0) }
    }
    wanted.store = server.store == "none" ? nil : server.store ?? DataFolder.path("serve")
    wanted.keptPictures = server.keep
    wanted.models = try model.map(Self.named)
    let names = wanted.models.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw ValidationError(
        "\(twice): two models of one name: give one of them another, as NAME=FILE")
    }
    wanted.addOnFolders = addOns.folders
    wanted.hub = try HubSettings()
    wanted.precision = computing.precision ?? .default
    wanted.memoryLimit = server.memoryLimit.map { $0 << 20 }
    (wanted.slots, wanted.queueLimit) = (server.parallel, server.queue)
    threads.apply(console)
    let running = try Self.server(wanted, isStoreNamed: server.store != nil, console)
    let address = server.host.contains(":") ? "[\(server.host)]" : server.host
    try Waiting.run {
      try await running.run { port in
        console.event([
          "event": "listening", "host": .string(address), "port": .integer(port),
        ])
        let scheme = server.tlsCertificate == nil ? "http" : "https"
        console.report("listens on \(scheme)://\(address):\(port)")
      }
    }
  }

  /// A server; without a store where the standard one cannot be had.
  private static func server(
    _ wanted: ServerConfiguration, isStoreNamed: Bool, _ console: Console
  ) throws -> Server {
    do {
      return try Server(wanted) { console.detail($0) }
    } catch let error as any LanternError
      where !isStoreNamed && wanted.store != nil && [.busy, .output, .missing].contains(error.kind)
    {
      var inMemory = wanted
      inMemory.store = nil
      let server = try Server(inMemory) { console.detail($0) }
      console.note("\(error); what is drawn is kept in memory until the server ends")
      return server
    }
  }

  /// A model's name and path.
  static func named(_ text: String) throws -> (name: String, path: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[0].isEmpty, !parts[0].contains("/") {
      return (String(parts[0]), String(parts[1]))
    }
    var name = HubCache.name(of: text)
    if let dot = name.lastIndex(of: "."), FileSystem.isFile(text) { name = String(name[..<dot]) }
    return (name, text)
  }
}

/// Folders of what calls name to be used with models.
struct AddOnFolderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder of LoRAs: <lora:name:0.8> in a prompt adds the one of this name. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var loraFolder: String?

  @Option(
    help: ArgumentHelp(
      "A folder of super-resolution networks. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var upscalerFolder: String?

  @Option(
    help: ArgumentHelp(
      "A folder of ControlNets and T2I-Adapters. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var controlFolder: String?

  @Option(
    help: ArgumentHelp(
      "A folder of embeddings, which prompts call by their names. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var embeddingFolder: String?

  @Option(
    help: ArgumentHelp(
      "A folder of IP-Adapters, and of the encoders that see for them. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var imagePromptFolder: String?

  /// The folders that were named.
  var folders: [AddOns.Kind: String] {
    let all: [AddOns.Kind: String?] = [
      .lora: loraFolder, .upscaler: upscalerFolder, .control: controlFolder,
      .embedding: embeddingFolder, .imagePrompt: imagePromptFolder,
    ]
    return all.compactMapValues(\.self)
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

  @Option(
    help: ArgumentHelp(
      "Where pictures and jobs are kept; none keeps them in memory. (default: ~/.local/share/lantern/serve)",
      valueName: "folder"))
  var store: String?

  @Option(help: ArgumentHelp("Pictures that are kept, the newest.", valueName: "number"))
  var keep = 2000

  @Option(
    help: ArgumentHelp(
      "A certificate in PEM, with those that vouch for it: HTTPS. (default: none)",
      valueName: "file"), transform: FileArgument.named)
  var tlsCertificate: String?

  @Option(
    help: ArgumentHelp("The certificate's private key in PEM. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "JSON with these options by their names, as {\"port\": 8080, \"model\": [\"writer=FILE\"]}; the command line counts more. (default: none)",
      valueName: "file"), transform: FileArgument.named)
  var settings: String?

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
    try Self.check(memoryLimit: memoryLimit)
    guard (1...1 << 30).contains(keep) else {
      throw ValidationError("keep \(keep): choose 1 or more")
    }
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw ValidationError("TLS needs both: --tls-certificate and --tls-key")
    }
    if token?.isEmpty == true { throw ValidationError("--token is empty") }
  }

  /// - Throws: `ValidationError` for a limit that makes no sense.
  static func check(memoryLimit: Int?) throws {
    if let memoryLimit, !(1...1 << 30).contains(memoryLimit) {
      throw ValidationError("memory limit \(memoryLimit): choose 1 MiB or more")
    }
  }
}
