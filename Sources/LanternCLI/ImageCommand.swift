import LanternPlatform
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
      lantern image "a house in a meadow" -o day.png --seed 1
      lantern image "a house at night" -i day.png --strength 0.6
      lantern image --like pets-03.png
      lantern image --fast "a boat at night"
      lantern image "a lion at night" --animate lion.png
      lantern image "a castle" -m FOLDER/model.safetensors -W 512 -H 512 --steps 25
      lantern image "a castle <lora:ink:0.8>" -m FOLDER --lora-folder LORAS
      lantern image "a castle by the sea" --hires 2x --hires-denoise 0.5
      lantern image fox --enrich FOLDER/writer.gguf
      lantern image "a badger" --enrich FOLDER/writer.gguf --library animals

      With --precision exact the same model, prompt, seed, sampler, steps and guidance draw the same \
      picture as diffusers; without it nearly the same, in less time. (word:1.3) and [word] weigh words, \
      [from:to:0.5] and [a|b] change them between steps, AND composes prompts, and they may be longer \
      than the text encoder reads at once, as in stable-diffusion-webui; --literal turns that off. FOLDER may be a model of yours, as diffusers lays it out.
      """)

  @Argument(help: "What to draw.")
  var text: String?

  // Groups stand side by side: in debug builds the argument parser takes several times as long for each level of
  // groups in groups.
  @OptionGroup(title: "Prompt options") var words: PromptOptions
  @OptionGroup(title: "Prompt options") var library: EmbeddingFolderOptions
  @OptionGroup(title: "Prompt options") var sharing: ShareOptions
  @OptionGroup(title: "Prompt options") var documents: LibraryOptions
  @OptionGroup(title: "Sampling options") var stepping: SteppingOptions
  @OptionGroup(title: "Sampling options") var sampling: SamplingOptions
  @OptionGroup(title: "Sampling options") var chance: SeedOptions
  @OptionGroup(title: "Guidance options") var guiding: GuidanceOptions
  @OptionGroup(title: "Size options") var size: SizeOptions
  @OptionGroup(title: "Size options") var enlarging: HiresOptions
  @OptionGroup(title: "Size options") var tiling: DecodingOptions
  @OptionGroup(title: "Options for pictures to begin from") var beginning: BeginningOptions
  @OptionGroup(title: "Options for pictures to follow") var following: ControlOptions
  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Model options") var partOptions: PartOptions
  @OptionGroup(title: "Model options") var predicting: PredictionOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var loraOptions: LoRAOptions
  @OptionGroup(title: "Model options") var loraFolder: LoRAFolderOptions
  @OptionGroup(title: "Model options") var decoding: DecoderOptions

  @Option(
    help: ArgumentHelp(
      "A model that takes the last steps over, as SDXL's refiner does. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var refiner: String?

  @OptionGroup(title: "Output options") var results: PictureFileOptions
  @OptionGroup(title: "Output options") var writing: WritingOptions
  @OptionGroup(title: "Output options") var several: CountOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse(unsent)
    try results.check(against: [beginning.initialPicture, beginning.mask, results.like])
    if let option = results.optionOfOne, several.count > 1 {
      throw ValidationError("\(option) follows one picture, not several")
    }
    if words.prompts != nil {
      if text != nil || words.prompt != nil {
        throw ValidationError("--prompts replaces the prompt: give one of both")
      }
      if results.like != nil {
        throw ValidationError("--like has a prompt of its own: give it or --prompts")
      }
    } else if results.like == nil, text == nil, words.prompt == nil {
      throw ValidationError("what shall it draw? For example: lantern image \"a red fox\"")
    }
    if documents.library != nil, words.enrich == nil {
      throw ValidationError("--library goes with --enrich MODEL, which reads it: give both")
    }
    if text != nil, words.prompt != nil {
      throw ValidationError("the prompt is given twice: as an argument and with --prompt")
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try draw(console) }
  }

  private func draw(_ console: Console) throws {
    try results.check()
    let texts: [String?] = try words.prompts.map(PromptFile.prompts) ?? [text]
    if let option = results.optionOfOne, texts.count > 1 {
      throw ValidationError("\(option) follows one picture, not several")
    }
    let old = try results.like.map { try Original($0) }
    let isFast = stepping.fast || old?.recipe.isFast == true
    let request = try request(like: old)
    var works = try works(texts, request, like: old, console)
    try words.enrich.map { try enrich(&works, $0, seed: request.seed, console) }
    try old?.checkDecoder(decoding.tinyDecoder)
    try old?.checkRefiner(refiner)
    let mine = try sharing.mine(of: works.count * several.count, console)
    guard !mine.isEmpty else { return }
    threads.apply(console)
    let loading = Loading(isFast: isFast, old: old, seed: request.seed)
    if let server = remote.server {
      return try drawAll(works, mine, loading, console) { work, request, _ in
        try draw(request, work.loras, on: server, console)
      }
    }
    var loras = works[mine[0] / several.count].loras
    var generator = try load(loras, loading, console)
    old?.reportDifferences(from: generator, request, works[0].loras, console)
    // Without a picture to begin from it has no effect, which is noted by now.
    for index in works.indices where request.initialPicture == nil {
      works[index].request.strength = ImageRequest(prompt: "").strength
    }
    try drawAll(works, mine, loading, console) { work, request, isLast in
      if work.loras != loras {
        generator = try load(work.loras, loading, console)
        loras = work.loras
      }
      generator.retainsComponents = !isLast
      return Drawn(try drawOne(request, generator, console))
    }
  }

  /// A picture that was drawn, here or by a server.
  struct Drawn {
    let picture: Picture
    let recipe: JSONValue
    let notes: [String]
  }

  /// A picture to draw: its request, and what is added to the model's weights for it.
  private struct Work {
    var request: ImageRequest
    let loras: [LoRA]
  }

  /// What is loaded in addition to LoRAs, and for what.
  private struct Loading {
    let isFast: Bool
    let old: Original?
    let seed: UInt64
  }

  /// Each prompt without the tags of LoRAs, and the LoRAs: those of options, of the picture that is drawn
  /// again, and of its tags.
  private func works(
    _ texts: [String?], _ request: ImageRequest, like old: Original?, _ console: Console
  ) throws -> [Work] {
    let embeddings = try library.folder()
    let folder = try loraFolder.folder()
    let known = old?.recipe.loras ?? []
    let given = try loraOptions.loras(like: known, onServer: remote.server != nil)
    let named = try folder.map { try LoRAFolderOptions.loras(known, without: given, in: $0) } ?? []
    var called = 0
    var notes: Set<String> = []
    let works = try texts.map { text in
      var request = request
      if words.prompts != nil, let text { request.prompt = text }
      try embeddings.map { try request.addEmbeddings(from: $0) }
      let tags = try folder.map { try request.takeLoRAs(from: $0) }
      called += tags?.loras.count ?? 0
      for note in tags?.notes ?? [] where notes.insert(note).inserted { console.note(note) }
      return Work(request: request, loras: given + named + (tags?.loras ?? []))
    }
    if sharing.variants, !works.contains(where: { $0.request.hasVariants }) {
      console.note("--variants has no effect: no prompt has variants, as {red|blue}")
    }
    if folder != nil, called + named.count == 0 {
      console.note(
        "the folder of LoRAs has no effect: "
          + (request.literalPrompt
            ? "the prompt is taken to the letter" : "no prompt calls one, as <lora:NAME:0.8> does"))
    }
    if embeddings != nil, works.allSatisfy({ $0.request.embeddings == request.embeddings }),
      old?.recipe.request.embeddings.isEmpty != false
    {
      console.note("the folder of embeddings has no effect: no prompt says one's name")
    }
    try old?.checkLoRAs(works[0].loras)
    return works
  }

  /// Makes the prompts richer by a language model, which is released before the model is loaded that draws.
  private func enrich(
    _ works: inout [Work], _ model: String, seed: UInt64, _ console: Console
  ) throws {
    let enricher = try PromptEnricher(
      path: HubCache.standard.located(model), precision: computing.precision ?? .default)
    enricher.notes.forEach(console.note)
    let reader = try documents.reader(console)
    for index in works.indices {
      let prompt = works[index].request.originalPrompt ?? works[index].request.prompt
      let facts = try reader?.facts(of: prompt) ?? []
      let enriched = try enricher.enrich(prompt, seed: seed, facts: facts) {
        try Interruption.check()
      }
      guard enriched.text != prompt else {
        console.note("--enrich has no effect: nothing was added to \(JSON.quoted(prompt))")
        continue
      }
      works[index].request.take(enriched)
      console.report("prompt: \(enriched.text)")
      console.event([
        "event": "prompt", "prompt": .string(enriched.text), "original": .string(prompt),
      ])
    }
  }

  /// The request: the picture's settings that is to be drawn again, and over them the options.
  private func request(like old: Original?) throws -> ImageRequest {
    var request = old?.recipe.request ?? ImageRequest(prompt: "")
    if stepping.fast, old?.recipe.isFast != true { request.forgetSampling() }
    request.namesServerFiles = remote.server != nil
    if let text { try ImageSetting.prompt.put(text, into: &request) }
    if let old, words.embeddings.isEmpty {
      request.embeddings = try old.embeddings(in: library.folder())
    }
    let settings: [any SettingOptions] = [
      words, stepping, sampling, chance, guiding, size, enlarging, tiling, beginning, following,
    ]
    try settings.apply(to: &request)
    try old?.checkInitialPicture(of: request)
    request.previewInterval = results.interval
    try results.apply(to: &request)
    return request
  }

  /// Loads the model, and prints that.
  private func load(
    _ loras: [LoRA], _ loading: Loading, _ console: Console
  ) throws -> ImageGenerator {
    let folder = try modelOptions.folder()
    let recipe = loading.old?.recipe
    let parts = try partOptions.parts(predicting, like: recipe)
    let cache = HubCache.standard
    try loading.old?.checkParts(parts)
    let begin = Console.now
    let generator = try ImageGenerator(
      folder: folder, with: parts, adding: loras, isFast: loading.isFast,
      refiner: cache.located(refiner),
      variant: modelOptions.variant ?? recipe?.variant,
      tinyDecoder: cache.located(decoding.tinyDecoder),
      precision: computing.precision ?? recipe?.precision ?? .default)
    let name = HubCache.name(of: generator.model.path)
    let seconds = Console.now - begin
    console.event([
      "event": .string("load"), "model": .string(name), "seed": JSONValue(loading.seed),
      "seconds": .number(seconds),
    ])
    console.detail(
      "\(name): loaded in \(rounded(seconds)) s; \(ComputeEngine.instructionSet), "
        + "\(ComputeEngine.threadCount) threads, \(generator.model.precision.rawValue)")
    for note in generator.notes { console.note(note) }
    return generator
  }

  /// Draws and writes pictures of all that there are, by their numbers: each prompt with as many seeds as are wanted.
  private func drawAll(
    _ works: [Work], _ mine: [Int], _ loading: Loading, _ console: Console,
    by draw: (_ work: Work, _ request: ImageRequest, _ isLast: Bool) throws -> Drawn
  ) throws {
    if loading.old != nil, several.count > 1 {
      console.note("the first picture alone is compared: the others have other seeds")
    }
    let count = works.count * several.count
    let picksSeed =
      chance.seed.map { $0.number == nil } ?? (loading.old?.recipe.seed == nil)
    var names = OutputNames(
      results.output ?? "picture.png", count: count,
      overwrites: writing.replaces(results.output, count: count))
    var noted: Set<String> = []
    for index in mine {
      let work = works[index / several.count]
      var request = work.request
      request.seed = loading.seed &+ UInt64(index % several.count)
      if sharing.variants { try request.pickVariants() }
      let image = try draw(work, request, index == mine.last)
      // What holds for all pictures is printed once.
      for note in image.notes where noted.insert(note).inserted { console.note(note) }
      if mine.count < count { names.skip(to: index) }
      let path = try names.write { path, replacing in
        try write(image.picture, to: path, replacing, console)
      }
      if count == 1, results.output?.contains("%") != true {
        writing.report(results.output, path, console)
      }
      console.result(
        path,
        event: [
          "event": .string("picture"), "path": .string(path), "seed": JSONValue(request.seed),
          "width": .integer(image.picture.width), "height": .integer(image.picture.height),
          "recipe": image.recipe,
        ])
      if picksSeed { console.report("seed \(request.seed)") }
      if index == 0 { try loading.old?.compare(image.picture, console) }
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
    let record = results.trace.map { _ in Trace() }
    var animation = PictureAnimation()
    defer { bar.end() }
    let image = try generator.draw(request, trace: record) { step in
      try Interruption.check()
      bar.show(step.number, of: step.count)
      var event: [String: JSONValue] = [
        "event": .string("step"), "step": .integer(step.number), "of": .integer(step.count),
        "seconds": .number(Console.now - begin),
      ]
      if step.pass.count > 1 { event["pass"] = .integer(step.pass.number) }
      console.event(event)
      if let picture = try step.preview(every: request.previewInterval) {
        if let preview = results.preview { try picture.write(to: preview) }
        if results.animate != nil { animation.add(picture) }
      }
    }
    try Interruption.check()
    bar.end()
    if let trace = results.trace { try record?.write(to: trace) }
    if let path = results.animate { try animation.write(endingWith: image.picture, to: path) }
    let settings = image.settings
    console.detail(
      "seed \(settings.seed), \(settings.width)×\(settings.height), \(settings.steps) steps of "
        + "\(settings.sampler), guidance \(settings.guidance), \(rounded(Console.now - begin)) s")
    return image
  }
}

extension ImageCommand.Drawn {
  /// What a model drew here.
  fileprivate init(_ image: GeneratedImage) {
    let cut =
      image.cutTokens > 0
      ? [
        "the prompt's last \(image.cutTokens) tokens did not fit and were left out: "
          + PromptSyntax.shown(image.cutText)
      ] : []
    self.init(picture: image.picture, recipe: image.recipe.json, notes: image.notes + cut)
  }
}
