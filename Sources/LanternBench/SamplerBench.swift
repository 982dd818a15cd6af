import LanternPlatform
package import LanternEvaluation
package import Lantern
import LanternFormats
package import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// Samplers against steps: what a step buys, in evaluations, seconds, nearness to the converged
/// picture and, for prompts in the picturebook's words, in pictures that show what their prompts say.
package struct SamplerBench {
  /// An event of a bench.
  package enum Event {
    /// A step of a picture is done.
    case step
    /// A picture is drawn: how many of how many, and the share of the work that is done.
    case picture(Int, of: Int, share: Double)
    /// Notes on a picture's settings without an effect, a line each.
    case notes([String])
    /// A cell is finished and on disk.
    case cell(BenchCell)
  }

  private let generator: ImageGenerator
  private let fast: ImageGenerator?
  private let judge: Judge?
  private let rendered: FeatureStatistics?
  private let settings: Settings
  private let folder: String
  private let allPictures: String?
  private let references: BenchReferences
  private let prompts: [PicturebookPrompt?]

  /// A bench that writes into a folder.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - fast: the same model with its LoRA for few steps, which ``Settings/fast`` stands for.
  ///   - judge: says whether a picture shows what its prompt says; nil for no accuracy.
  ///   - rendered: what the judge's features of rendered scenes are like, if that is known.
  ///   - settings: what to measure.
  ///   - folder: where results and pictures go; made if it is not there.
  ///   - allPictures: a folder for every picture of every cell; none when nil.
  /// - Throws: `SamplerError` for unknown names, `RequestError` for what cannot be drawn.
  package init(
    _ generator: ImageGenerator, fast: ImageGenerator? = nil, judge: Judge?,
    rendered: FeatureStatistics?, _ settings: Settings, folder: String, allPictures: String? = nil
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
    self.allPictures = allPictures
    references = BenchReferences(in: folder)
    prompts = settings.prompts.map { prompt in
      judge.flatMap { PicturebookPrompt(prompt, knowing: $0.config) }
    }
    for guidance in settings.guidances {
      try generator.check(request(try convergedCell(guidance), settings.prompts.first ?? "", 0))
    }
  }

  /// Measures every cell that is not measured yet, and writes results after each.
  ///
  /// - Parameter onEvent: called for each picture and cell; throw to stop. What is finished stays.
  /// - Returns: all results of the folder.
  /// - Throws: what drawing throws, ``FormatError`` for files and for a folder with results of another
  ///   bench, and what `onEvent` throws.
  package func run(onEvent: @escaping (Event) throws -> Void) throws -> BenchResults {
    try FileSystem.makeFolder(folder)
    let lock = try FolderLock(folder)
    defer { withExtendedLifetime(lock) {} }
    let path = BenchResults.path(in: folder)
    var results = BenchResults(
      model: HubCache.name(of: generator.model.path), settings: settings,
      converged: try convergedCell(nil).words, machine: BenchResults.thisMachine, cells: [])
    if FileSystem.exists(path) {
      results = try results.joined(to: BenchResults(contentsOf: path), at: path)
    } else if let strange = BenchReport.names.map({ FileSystem.join(folder, $0) }).first(
      where: FileSystem.exists)
    {
      // Without figures, it is not a bench's.
      throw FormatError.cannotWrite(path: strange, code: FileSystem.fileExists)
    }
    // A picture that was taken away is drawn again.
    results.cells.removeAll { $0.refusal == nil && !hasPictures($0) }
    try FileSystem.makeFolder(FileSystem.join(folder, "pictures"))

    let missing = settings.cells.filter { cell in
      !results.cells.contains { $0.name == cell.name }
    }
    var progress = Progress(onEvent)
    try plan(missing, results.settings, &progress)
    var converged: [Float?: [BenchReferences.Reference]] = [:]
    for cell in missing {
      let guidance = referenceGuidance(of: cell, results.settings)
      let found = try converged[guidance] ?? convergedReferences(guidance, &progress)
      converged[guidance] = found
      let measured = try measure(cell, against: found, &progress)
      results.cells.append(measured)
      try results.write(to: path)
      try onEvent(.cell(measured))
    }
    results.sort()
    try results.write(to: path)
    return results
  }

  /// Whether a cell's pictures are where they belong.
  private func hasPictures(_ cell: BenchCell) -> Bool {
    guard FileSystem.exists(FileSystem.join(folder, cell.picturePath)) else { return false }
    guard let allPictures, settings.cells.contains(where: { $0.name == cell.name }) else {
      return true
    }
    return runs.allSatisfy { FileSystem.exists(path(of: $0, cell, in: allPictures)) }
  }

  private func path(of run: Run, _ cell: BenchCell, in folder: String) -> String {
    FileSystem.join(FileSystem.join(folder, cell.name), "\(run.name).png")
  }

  /// A prompt with a seed.
  private struct Run {
    let prompt: Int
    let seed: UInt64
    /// `03-42` for the third prompt.
    var name: String { (prompt < 9 ? "0" : "") + "\(prompt + 1)-\(seed)" }
  }

  private var runs: [Run] {
    settings.prompts.indices.flatMap { prompt in
      settings.seeds.map { Run(prompt: prompt, seed: $0) }
    }
  }

  private func request(_ cell: BenchCell, _ prompt: String, _ seed: UInt64) -> ImageRequest {
    var request = ImageRequest(prompt: prompt)
    if cell.sampler != Settings.fast { request.sampler = cell.sampler }
    request.guidance = cell.guidance
    request.schedule = cell.schedule
    request.steps = cell.steps
    request.cache = cell.cache
    request.seed = seed
    (request.width, request.height) = (settings.width, settings.height)
    request.convention = settings.convention
    let row = try? SamplerCatalogue.row(named: cell.sampler)
    if row?.defaultEta != nil { request.eta = settings.eta }
    return request
  }

  private func generator(of cell: BenchCell) -> ImageGenerator {
    cell.sampler == Settings.fast ? fast ?? generator : generator
  }

  private func cost(_ cell: BenchCell) -> Double {
    generator(of: cell).cost(of: request(cell, "", 0))
  }

  /// What there is to draw.
  private func plan(_ missing: [BenchCell], _ all: Settings, _ progress: inout Progress) throws {
    let guidances = Set(missing.map { referenceGuidance(of: $0, all) })
    for guidance in guidances {
      let cell = try convergedCell(guidance)
      let undrawn = runs.count { reference($0, cell) == nil }
      progress.expect(undrawn, pictures: cost(cell))
    }
    for cell in missing { progress.expect(runs.count, pictures: cost(cell)) }
  }

  /// The guidance of the pictures that a cell is measured by: its own; that of the folder's first cells
  /// where the LoRA for few steps has one baked in.
  private func referenceGuidance(of cell: BenchCell, _ all: Settings) -> Float? {
    cell.sampler == Settings.fast ? all.guidances[0] : cell.guidance
  }

  /// How the converged pictures are drawn: in many steps, as far as the model has them.
  private func convergedCell(_ guidance: Float?) throws -> BenchCell {
    let schedule = generator.model.schedule
    let names = Settings.convergedSamplers
    let name =
      names.first { name in (try? SamplerCatalogue.row(named: name).make(schedule)) != nil }
      ?? names[0]
    let maximum = try SamplerCatalogue.row(named: name).make(schedule).maximumSteps(over: schedule)
    return BenchCell(
      sampler: name, schedule: nil, guidance: guidance, steps: min(Settings.convergedSteps, maximum)
    )
  }

  /// The settings of a reference that differ within a folder.
  private func facts(_ run: Run, _ cell: BenchCell) -> [String: String] {
    ["cell": cell.name, "prompt": settings.prompts[run.prompt], "seed": "\(run.seed)"]
  }

  private func name(_ run: Run, _ cell: BenchCell) -> String {
    run.name + (cell.guidance.map { "-g\($0)" } ?? "")
  }

  private func reference(_ run: Run, _ cell: BenchCell) -> BenchReferences.Reference? {
    references.load(name(run, cell), drawnAs: facts(run, cell))
  }

  /// The converged picture of every run: those that are kept, and others drawn.
  private func convergedReferences(_ guidance: Float?, _ progress: inout Progress) throws
    -> [BenchReferences.Reference]
  {
    let cell = try convergedCell(guidance)
    let cost = cost(cell)
    return try runs.map { run in
      if let kept = reference(run, cell) { return kept }
      let drawing = try draw(run, cell, progress)
      let found = BenchReferences.Reference(
        latent: drawing.latent, picture: drawing.image.picture)
      try references.keep(found, as: name(run, cell), drawnAs: facts(run, cell))
      try progress.drew(cost)
      return found
    }
  }

  /// What one run leaves behind.
  private struct Drawing {
    let image: GeneratedImage
    let latent: [Float]
    let seconds: Double
    let reading: Judge.Reading?
  }

  /// How far the bench is.
  private struct Progress {
    let onEvent: (Event) throws -> Void
    private var pictures = (drawn: 0, all: 0)
    private var work = (done: 0.0, all: 0.0)

    init(_ onEvent: @escaping (Event) throws -> Void) { self.onEvent = onEvent }

    mutating func expect(_ count: Int, pictures cost: Double) {
      pictures.all += count
      work.all += Double(count) * cost
    }

    mutating func drew(_ cost: Double) throws {
      pictures.drawn += 1
      work.done += cost
      let share = work.all > 0 ? min(work.done / work.all, 1) : 1
      try onEvent(.picture(pictures.drawn, of: pictures.all, share: share))
    }
  }

  private func measure(
    _ cell: BenchCell, against converged: [BenchReferences.Reference], _ progress: inout Progress
  ) throws -> BenchCell {
    var cell = cell
    let cost = cost(cell)
    var left = runs.count
    do {
      var features: [[Float]] = []
      var calls = 0
      for (run, reference) in zip(runs, converged) {
        let drawing = try draw(run, cell, progress)
        let picture = drawing.image.picture
        calls += drawing.image.modelCalls
        cell.seconds.append(drawing.seconds)
        cell.distances.append(Self.distance(drawing.latent, reference.latent))
        cell.decibels.append(picture.decibels(against: reference.picture))
        cell.right.append(
          drawing.reading.flatMap { prompts[run.prompt]?.isShown(by: $0) })
        if let reading = drawing.reading { features.append(reading.features) }
        if let allPictures {
          let path = path(of: run, cell, in: allPictures)
          try FileSystem.makeFolder(FileSystem.split(path).folder)
          try picture.write(to: path)
        }
        if left == runs.count {
          try picture.write(to: FileSystem.join(folder, cell.picturePath))
        }
        left -= 1
        try progress.drew(cost)
      }
      cell.calls = calls / max(runs.count, 1)
      cell.frechet = rendered.flatMap { FeatureStatistics(features)?.distance(to: $0) }
      return cell
    } catch let error as SamplerError {
      // A pair that cannot be is a result too.
      cell.refusal = "\(error)"
    } catch RequestError.notFinite(let what, let step) {
      cell.refusal = "\(RequestError.notFinite(what: what, step: step))"
    }
    var refused = BenchCell(
      sampler: cell.sampler, schedule: cell.schedule, guidance: cell.guidance, steps: cell.steps,
      cache: cell.cache)
    refused.refusal = cell.refusal
    for _ in 0..<left { try progress.drew(cost) }
    return refused
  }

  private func draw(_ run: Run, _ cell: BenchCell, _ progress: Progress) throws -> Drawing {
    let trace = Trace()
    let clock = ContinuousClock()
    let start = clock.now
    let image = try generator(of: cell).draw(
      request(cell, settings.prompts[run.prompt], run.seed), trace: trace
    ) { _ in try progress.onEvent(.step) }
    let seconds = start.duration(to: clock.now).seconds
    try progress.onEvent(.notes(image.notes))
    let pixels = try image.picture.tensor.scaled(by: 2, plus: -1)
    return Drawing(
      image: image, latent: try trace.finalLatent?.floats() ?? [], seconds: seconds,
      reading: try judge.flatMap { judge in
        judge.canRead(width: image.picture.width, height: image.picture.height)
          ? try judge.read(pixels) : nil
      })
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
