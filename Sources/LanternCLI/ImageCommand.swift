import ArgumentParser
import Lantern
import LanternFormats

/// `lantern image`: from a prompt to picture files.
struct ImageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Draws a picture from text.",
    discussion: """
      lantern image "a red fox on the beach"
      lantern image "a cat and a dog in the snow" -b 4 -o pets-%02d.png
      lantern image "a castle" -m path/to/stable-diffusion -W 512 -H 512 --steps 25
      lantern image "the same, at night" -i day.png --strength 0.6
      lantern image --like pets-03.png
      lantern image --fast "a boat at night"

      With --precision exact the same model, prompt, seed, sampler, steps and guidance draw the same
      picture as diffusers; without it nearly the same, in less time.
      (word:1.3) and [word] weigh words, and prompts may be longer than the text encoder reads at
      once, as in stable-diffusion-webui; --literal turns that off.
      """)

  @Argument(help: "What to draw.")
  var text: String?

  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var computing: PrecisionOptions
  @OptionGroup var loraOptions: LoRAOptions

  @Flag(help: "Draw in a few steps, with the LoRA that the model has for it.")
  var fast = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write: .png or .jpg; %03d numbers several. (default: picture.png)",
      valueName: "file"))
  var output: String?
  @OptionGroup var writing: WritingOptions

  @Option(
    name: [
      .customShort("b"), .customLong("count"), .customLong("batch-count"),
      .customLong("image-count"),
    ], parsing: .unconditional, help: "How many pictures, each with the next seed.")
  var count = 1

  @Option(
    help: ArgumentHelp(
      "Draw a picture again by the settings in its file (Lantern's, webui's, ComfyUI's …), and compare.",
      valueName: "file"))
  var like: String?

  @Option(help: ArgumentHelp("Show the unfinished picture in this file.", valueName: "file"))
  var preview: String?

  @Option(parsing: .unconditional, help: "Refresh the preview after so many steps.")
  var previewInterval = 5

  @Option(
    help: ArgumentHelp(
      "Write prompt embeddings, noise, latents of each step and the image as safetensors.",
      valueName: "file"))
  var trace: String?

  @OptionGroup var telling: TellingOptions

  mutating func validate() throws {
    try checkEncoding()
    if like == nil, text == nil, drawing.prompt == nil {
      throw ValidationError("what shall it draw? For example: lantern image \"a red fox\"")
    }
    if text != nil, drawing.prompt != nil {
      throw ValidationError("the prompt stands twice: as an argument and with --prompt")
    }
    if !(1...10_000).contains(count) {
      throw ValidationError("count \(count): choose 1 to 10000")
    }
    if trace != nil, count > 1 { throw ValidationError("--trace follows one picture, not several") }
    if previewInterval < 1 { throw ValidationError("preview interval: choose 1 or more") }
  }

  func run() throws {
    let console = telling.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try draw(console) }
  }

  private func draw(_ console: Console) throws {
    let output = self.output ?? "picture.png"
    for path in [output] + (preview.map { [$0] } ?? []) {
      try Picture.checkExtension(of: path)
      try FileSystem.checkFolder(of: path)
    }
    if let trace { try FileSystem.checkFolder(of: trace) }
    let old = try like.map { try Original($0) }
    var request = old?.recipe.request ?? ImageRequest(prompt: "")
    let wasFast = old?.recipe.isFast ?? false
    if fast, !wasFast { request.forgetSampling() }
    try drawing.apply(to: &request, argument: text)
    try old?.checkInitialPicture(of: request)
    let loras = try loraOptions.loras(like: old?.recipe.loras ?? [])
    try old?.checkLoRAs(loras)
    request.previewInterval = preview == nil ? 0 : previewInterval

    modelOptions.threads.apply()
    let folder = try modelOptions.folder()
    let begin = Console.now
    var generator = try ImageGenerator(
      folder: folder, adding: loras, isFast: fast || wasFast,
      variant: modelOptions.variant ?? old?.recipe.variant,
      precision: computing.precision ?? old?.recipe.precision ?? .standard)
    let name = FileSystem.split(generator.model.path).name
    let loading = Console.now - begin
    console.event([
      "event": .string("load"), "model": .string(name), "seed": JSONValue(request.seed),
      "seconds": .number(loading),
    ])
    console.detail(
      "\(name): loaded in \(rounded(loading)) s; \(ComputeEngine.instructionSet), "
        + "\(ComputeEngine.threadCount) threads, \(generator.model.precision.rawValue)")
    for note in generator.notes { console.note(note) }
    old?.tellDifferences(from: generator, request, loras, console)
    let picksSeed = drawing.chance.seed.map { $0.number == nil } ?? (old?.recipe.seed == nil)

    var names = OutputNames(
      output, count: count, overwrites: writing.replaces(self.output, count: count))
    var told: Set<String> = []
    for index in 1...count {
      generator.keepsParts = index < count
      let image = try drawOne(request, generator, console)
      // What holds for all pictures is told once.
      for note in image.notes where told.insert(note).inserted { console.note(note) }
      let path = try names.write { path, replacing in
        try write(image.picture, to: path, replacing, console)
      }
      if count == 1, !output.contains("%") { writing.tell(self.output, path, console) }
      console.result(
        path,
        event: [
          "event": .string("picture"), "path": .string(path), "seed": JSONValue(request.seed),
          "width": .integer(image.picture.width), "height": .integer(image.picture.height),
          "recipe": image.recipe.json,
        ])
      if picksSeed { console.tell("seed \(request.seed)") }
      try old?.compare(image.picture, console)
      request.seed &+= 1
    }
  }

  /// Writes a picture; one whose settings its format cannot hold is not thrown away for that.
  private func write(
    _ picture: Picture, to path: String, _ replacing: Bool, _ console: Console
  ) throws(PictureError) {
    do {
      try picture.write(to: path, replacing: replacing)
    } catch .metadata(let key, let reason) {
      try picture.write(to: path, metadata: [:], replacing: replacing)
      console.note("\(path): without its settings: \(key): \(reason)")
    }
  }

  /// Draws one picture with a bar, previews and a trace.
  private func drawOne(
    _ request: ImageRequest, _ generator: ImageGenerator, _ console: Console
  ) throws -> GeneratedImage {
    let begin = Console.now
    var bar = ProgressBar(console)
    let record = trace.map { _ in Trace() }
    var frames = preview.map { RefreshedFile($0, overwrites: true) }
    defer { bar.end() }
    let image = try generator.draw(request, trace: record) { step in
      try Interruption.check()
      bar.show(step.number, of: step.count)
      console.event([
        "event": .string("step"), "step": .integer(step.number), "of": .integer(step.count),
        "seconds": .number(Console.now - begin),
      ])
      if let picture = try step.preview(every: request.previewInterval),
        let path = try frames?.write(picture)
      {
        writing.tell(preview, path, console)
      }
    }
    try Interruption.check()
    bar.end()
    if let trace, let record {
      var names = OutputNames(trace, overwrites: true)
      let path = try names.write { try record.write(to: $0, $1 ? .replace : .create) }
      writing.tell(trace, path, console)
    }
    if image.cutTokens > 0 {
      console.note(
        "the prompt's last \(image.cutTokens) tokens did not fit and were left out")
    }
    let settings = image.settings
    console.detail(
      "seed \(settings.seed), \(settings.width)×\(settings.height), \(settings.steps) steps of "
        + "\(settings.sampler), guidance \(settings.guidance), \(rounded(Console.now - begin)) s")
    return image
  }
}
