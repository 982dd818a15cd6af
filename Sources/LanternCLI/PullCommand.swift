import ArgumentParser
import Lantern
import LanternFormats
import LanternHub
import LanternPlatform

/// `lantern pull`: a model from a hub into the cache that Python's programs share.
struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Fetches a model from the Hugging Face hub into its cache.",
    discussion: """
      lantern pull OWNER/NAME --variant fp16
      lantern pull OWNER/NAME:FILE.safetensors
      lantern image "a red fox" -m OWNER/NAME

      The cache is that of Python's huggingface_hub, and read by the same variables: HF_HOME, HF_HUB_CACHE, \
      HF_ENDPOINT for a mirror, HF_TOKEN for models with a licence to accept, HF_HUB_OFFLINE. What was pulled is \
      named wherever a model or a file of one is. Of other commands lantern serve alone fetches models, by their names.

      A model is its configuration and tokenizers with one set of weights: safetensors where all parts have them, \
      plain ones or those of --variant. A pull that was stopped goes on where it was. Every file's digest is checked.
      """)

  @Argument(
    help: ArgumentHelp(
      "owner/name, with @REVISION and :PATH of a file or folder behind it; or a page's address.",
      valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Which of the model's weights: fp16 for model.fp16.safetensors. (default: the plain ones)",
      valueName: "name"))
  var variant: String?

  @Option(
    help: ArgumentHelp("A branch, a tag or a commit. (default: main)", valueName: "name"))
  var revision: String?

  @OptionGroup(title: "Message options") var messages: MessageOptions

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try pull(console) }
  }

  private func pull(_ console: Console) throws {
    let settings = try HubSettings()
    let reference = try reference(settings)
    let variant = variant
    let progress = Locked(PullProgress(console))
    defer { progress { $0.end() } }
    let path = try Waiting.run {
      try await Hub(settings).pull(reference, variant: variant) { event in
        progress { $0.show(event) }
      }
    }
    progress { $0.end() }
    console.result(path, event: ["event": .string("model"), "path": .string(path)])
  }

  private func reference(_ settings: HubSettings) throws -> HubReference {
    guard var reference = HubReference(model, endpoint: settings.endpoint) else {
      throw ValidationError(
        "\"\(model)\": give owner/name, owner/name:FILE, or the address of a model's page")
    }
    guard let revision else { return reference }
    guard reference.revision == nil || reference.revision == revision else {
      throw ValidationError("the revision is given twice: behind the name and with --revision")
    }
    guard HubReference.isSafe(revision) else {
      throw ValidationError("revision \"\(revision)\": give a branch, a tag or a commit")
    }
    reference.revision = revision
    return reference
  }
}
/// What happens during a pull, for people and for programs.
private struct PullProgress {
  private let console: Console
  private var bar: ProgressBar
  private var isShown = false

  init(_ console: Console) {
    self.console = console
    bar = ProgressBar(console)
  }

  mutating func show(_ event: PullEvent) {
    switch event {
    case .found(let model, let licence, let files, let byteCount, let missing):
      end()
      console.report(
        "\(model.repository): licence \(licence ?? "not said"), \(files) files of "
          + "\(Self.size(byteCount)), "
          + (missing == 0 ? "all of them in the cache" : "\(Self.size(missing)) to fetch"))
      console.event([
        "event": .string("found"), "model": .string(model.repository),
        "revision": .string(model.revision), "licence": licence.map(JSONValue.string) ?? .null,
        "files": .integer(files), "bytes": .integer(byteCount), "missing": .integer(missing),
      ])
      bar = ProgressBar(console)
    case .progress(let bytes, let total, let file, let files):
      isShown = true
      bar.show(
        file, of: files, "file", share: total > 0 ? Double(bytes) / Double(total) : 1)
      console.event([
        "event": .string("progress"), "bytes": .integer(bytes), "of": .integer(total),
        "file": .integer(file), "files": .integer(files),
      ])
    case .file(let path, let byteCount, let wasCached):
      console.event([
        "event": .string("file"), "path": .string(path), "bytes": .integer(byteCount),
        "was_cached": .bool(wasCached),
      ])
      guard console.isVerbose, !console.isJSON else { return }
      end()
      console.report(
        "\(path): \(Self.size(byteCount))\(wasCached ? ", in the cache already" : "")")
    case .note(let text):
      end()
      console.note(text)
    case .waiting(let seconds, let reason):
      end()
      console.note("\(reason); trying again in \(rounded(seconds, 1)) s")
    }
  }

  /// Clears the bar, so that lines have lines of their own.
  mutating func end() {
    if isShown { bar.end() }
    isShown = false
  }

  private static func size(_ byteCount: Int) -> String {
    byteCount < 1_000_000
      ? "\(byteCount) bytes"
      : byteCount < 1_000_000_000
        ? "\(rounded(Double(byteCount) / 1e6, 1)) MB" : "\(rounded(Double(byteCount) / 1e9, 2)) GB"
  }
}
