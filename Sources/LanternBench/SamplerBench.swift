package import Lantern
import LanternFormats
package import LanternModels
import LanternPictures
import LanternSamplers
package import LanternTensor

/// Samplers against steps: what a step buys, in evaluations, seconds, nearness to the converged
/// picture and, for prompts in the picturebook's words, in pictures that show what was asked for.
package struct SamplerBench {
  /// What is to be measured. Two benches of equal settings may be continued and compared.
  package struct Settings: Sendable, Equatable {
    package var samplers: [String]
    /// Names of schedules; nil for the model's own.
    package var schedules: [String?]
    package var steps: [Int]
    package var prompts: [String]
    package var seeds: [UInt64]
    package var guidance: Float?
    /// LoRAs that were added to the model, each with its strength after a colon.
    package var loras: [String] = []
    /// What the model computed in.
    package var precision = Precision.exact
    /// Who judges, by a hash of its weights; nil for nobody.
    package var judge: String?

    /// Steps at most of the sampler that the converged picture is drawn with.
    static let convergedSteps = 250
    /// That sampler: of second order, one call a step; where a model refuses it, the second.
    static let convergedSamplers = ["dpm++2m", "euler"]
    /// What people usually get of these, in words.
    package static let converged = "\(convergedSteps) steps of \(convergedSamplers[0])"
    /// The name that stands for the model's own LoRA for few steps, with the sampler that it wants.
    package static let fast = "fast"
    package init(
      samplers: [String], schedules: [String?], steps: [Int], prompts: [String], seeds: [UInt64],
      guidance: Float?, judge: String? = nil
    ) {
      self.samplers = samplers
      self.schedules = schedules
      self.steps = steps
      self.prompts = prompts
      self.seeds = seeds
      self.guidance = guidance
      self.judge = judge
    }
  }

  /// Where a bench is.
  package enum Event {
    /// A step of a picture is done.
    case step
    /// A picture is drawn: how many of how many, and of which cell.
    case picture(Int, of: Int, name: String)
    /// A cell is finished and on disk.
    case cell(BenchCell)
  }

  private let generator: ImageGenerator
  private let fast: ImageGenerator?
  private let judge: Judge?
  private let rendered: FeatureStatistics?
  private let settings: Settings
  private let folder: String
  private let prompts: [PicturebookPrompt?]

  /// A bench that writes into a folder.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - fast: the same model with its LoRA for few steps, which ``Settings/fast`` stands for.
  ///   - judge: who says whether a picture shows what its prompt says, if anybody.
  ///   - rendered: what the judge's features of rendered scenes are like, if that is known.
  ///   - settings: what to measure.
  ///   - folder: where results and pictures go; made if it is not there.
  /// - Throws: `SamplerError` for unknown names.
  package init(
    _ generator: ImageGenerator, fast: ImageGenerator? = nil, judge: Judge?,
    rendered: FeatureStatistics?, _ settings: Settings,
    folder: String
  ) throws {
    for name in settings.samplers where name != Settings.fast || fast == nil {
      _ = try SamplerCatalogue.row(named: name)
    }
    for name in settings.schedules.compactMap({ $0 }) {
      _ = try SamplerCatalogue.spacing(named: name)
    }
    self.generator = generator
    self.fast = fast
    self.judge = judge
    self.rendered = rendered
    self.settings = settings
    self.folder = folder
    prompts = settings.prompts.map { prompt in
      judge.flatMap { PicturebookPrompt(prompt, knowing: $0.config) }
    }
  }

  /// Measures every cell that is not measured yet, and writes results after each.
  ///
  /// - Parameter onEvent: told of each picture and cell; throw to stop. What is finished stays.
  /// - Returns: all results.
  /// - Throws: what drawing throws, ``FormatError`` for files, and what `onEvent` throws.
  package func run(onEvent: (Event) throws -> Void) throws -> BenchResults {
    let path = BenchResults.path(in: folder)
    var results = BenchResults(
      model: FileSystem.split(generator.model.path).name, settings: settings,
      converged: try convergedCell().words, machine: BenchResults.thisMachine, cells: [])
    if FileSystem.exists(path) {
      let old = try BenchResults(contentsOf: path)
      guard old.settings == settings, old.model == results.model,
        old.machine == results.machine
      else {
        throw FormatError.unsupportedFileKind(
          path: path,
          remedy: "is of a bench with other settings or of another machine: choose another folder")
      }
      // A picture that was taken away is drawn again.
      results.cells = old.cells.filter {
        $0.refusal != nil || FileSystem.exists(FileSystem.join(folder, $0.picturePath))
      }
    }
    try FileSystem.makeFolder(FileSystem.join(folder, "pictures"))

    let wanted = settings.schedules.flatMap { schedule in
      settings.samplers.flatMap { sampler in
        settings.steps.map { BenchCell(sampler: sampler, schedule: schedule, steps: $0) }
      }
    }
    let missing = wanted.filter { cell in !results.cells.contains { $0.name == cell.name } }
    let runs = settings.prompts.count * settings.seeds.count
    var drawn = 0
    let total = (missing.count + (missing.isEmpty ? 0 : 1)) * runs
    func count(_ name: String) throws {
      drawn += 1
      try onEvent(.picture(min(drawn, total), of: total, name: name))
    }

    var converged: [Drawing] = []
    for cell in missing {
      if converged.isEmpty {
        converged = try drawings(
          convergedCell(), onStep: { try onEvent(.step) }, onPicture: { try count("converged") })
      }
      let measured = try measure(
        cell, against: converged, onStep: { try onEvent(.step) },
        onPicture: { try count(cell.name) })
      results.cells.append(measured)
      try results.write(to: path)
      try onEvent(.cell(measured))
    }
    // In the order of the settings, whatever order they were measured in.
    results.cells = wanted.compactMap { cell in results.cells.first { $0.name == cell.name } }
    try results.write(to: path)
    return results
  }

  /// How the converged pictures are drawn: in many steps, as far as the model has them.
  private func convergedCell() throws -> BenchCell {
    let schedule = generator.model.schedule
    let names = Settings.convergedSamplers
    let name =
      names.first { name in (try? SamplerCatalogue.row(named: name).make(schedule)) != nil }
      ?? names[0]
    let most = try SamplerCatalogue.row(named: name).make(schedule).mostSteps(over: schedule)
    return BenchCell(sampler: name, schedule: nil, steps: min(Settings.convergedSteps, most))
  }

  /// What one run leaves behind.
  private struct Drawing {
    let image: GeneratedImage
    let latent: [Float]
    let seconds: Double
    let calls: Int
    let reading: Judge.Reading?
    let isRight: Bool?
  }

  private func measure(
    _ cell: BenchCell, against converged: [Drawing], onStep: () throws -> Void,
    onPicture: () throws -> Void
  ) throws -> BenchCell {
    var cell = cell
    do {
      let drawings = try drawings(cell, onStep: onStep, onPicture: onPicture)
      cell.calls = drawings.reduce(0) { $0 + $1.calls } / max(drawings.count, 1)
      cell.seconds = drawings.map(\.seconds)
      for (ours, theirs) in zip(drawings, converged) {
        cell.distances.append(Self.distance(ours.latent, theirs.latent))
        cell.decibels.append(ours.image.picture.decibels(beside: theirs.image.picture))
      }
      cell.right = drawings.compactMap(\.isRight)
      let features = drawings.compactMap { $0.reading?.features }
      cell.frechet = rendered.flatMap { FeatureStatistics(features)?.distance(to: $0) }
      try drawings.first?.image.picture.write(to: FileSystem.join(folder, cell.picturePath))
    } catch let error as SamplerError {
      // A pair that cannot be is a result too.
      cell.refusal = "\(error)"
      for _ in 0..<settings.prompts.count * settings.seeds.count { try onPicture() }
    } catch RequestError.notFinite(let what, let step) {
      cell.refusal = "\(RequestError.notFinite(what: what, step: step))"
    }
    return cell
  }

  /// Every prompt with every seed.
  private func drawings(
    _ cell: BenchCell, onStep: () throws -> Void, onPicture: () throws -> Void
  ) throws -> [Drawing] {
    var all: [Drawing] = []
    for (index, prompt) in settings.prompts.enumerated() {
      for seed in settings.seeds {
        var request = ImageRequest(prompt: prompt)
        let isFast = cell.sampler == Settings.fast
        // Guidance is baked into a LoRA for few steps.
        request.sampler = isFast ? nil : cell.sampler
        request.guidance = isFast ? nil : settings.guidance
        request.schedule = cell.schedule
        request.steps = cell.steps
        request.seed = seed
        let trace = Trace()
        let clock = ContinuousClock()
        let start = clock.now
        let image = try (isFast ? fast ?? generator : generator).draw(request, trace: trace) { _ in
          try onStep()
        }
        let time = start.duration(to: clock.now).components
        let seconds = Double(time.seconds) + Double(time.attoseconds) * 1e-18
        let pixels = try image.picture.tensor.scaled(by: 2, plus: -1)
        let reading = try judge.flatMap { judge in
          judge.canRead(width: image.picture.width, height: image.picture.height)
            ? try judge.read(pixels) : nil
        }
        all.append(
          Drawing(
            image: image, latent: try trace.finalLatent?.floats() ?? [], seconds: seconds,
            calls: image.modelCalls, reading: reading,
            isRight: reading.flatMap { prompts[index]?.isShown(by: $0) }))
        try onPicture()
      }
    }
    return all
  }

  /// The length of the difference of two latents, against the length of the second.
  private static func distance(_ a: [Float], _ b: [Float]) -> Double {
    var (apart, whole) = (0.0, 0.0)
    for (x, y) in zip(a, b) {
      let difference = Double(x) - Double(y)
      apart += difference * difference
      whole += Double(y) * Double(y)
    }
    return (apart / max(whole, 1e-30)).squareRoot()
  }
}
