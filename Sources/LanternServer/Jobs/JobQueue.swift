import Lantern
import LanternFormats
import LanternHub
import LanternPictures

/// Makes one picture or page at a time, in the order of the requests, and hands what is drawn to the store.
actor JobQueue {
  private let shelf: ModelShelf
  private let configuration: ServerConfiguration
  private let store: ResultStore
  private let log: @Sendable (String) -> Void
  private var waiting: [Job] = []
  private(set) var running: Job?
  /// The model that is fetched.
  private var pulling: Job?
  /// The last jobs that are over, the newest last: what could not be stored is here for a while.
  private var last: [Job] = []
  /// Jobs that were removed while they were drawn or fetched.
  private var removed: Set<String> = []
  private var isStopping = false
  /// Who waits until nothing is drawn.
  private var stopped: [CheckedContinuation<Void, Never>] = []
  /// Seconds that a step of the last picture took.
  private(set) var secondsPerStep: Double?
  private(set) var drawn = 0

  init(
    _ shelf: ModelShelf, _ configuration: ServerConfiguration, _ store: ResultStore,
    log: @escaping @Sendable (String) -> Void
  ) {
    (self.shelf, self.configuration, self.store, self.log) = (shelf, configuration, store, log)
  }

  /// Pictures that wait.
  var count: Int { waiting.count }

  /// Takes a job.
  ///
  /// - Throws: ``ServerError/queueFull(limit:)``, and of a model that is not there.
  func add(_ job: Job) async throws {
    guard waiting.count < configuration.queueLimit else {
      throw ServerError.queueFull(limit: configuration.queueLimit)
    }
    guard !job.work.texts.contains(where: { $0.contains("\0") }) else {
      throw ServerError.field(
        name: "prompt", reason: "a picture's file cannot hold a zero byte: leave it out")
    }
    if let kind = job.work.modelKind { _ = try await shelf.entry(named: job.model, kind) }
    waiting.append(job)
    await keeping { try await self.store.add(job.record) }
    job.take(.waiting(waiting.count - 1 + (running == nil ? 0 : 1)))
    if running == nil { startNext() }
  }

  /// Fetches a model, while pictures are drawn.
  ///
  /// - Parameters:
  ///   - job: what is fetched.
  ///   - settings: the hub.
  /// - Throws: ``ServerError/pulling(name:)`` while another is fetched.
  func pull(_ job: Job, from settings: HubSettings) async throws {
    guard pulling == nil else { throw ServerError.pulling(name: pulling?.work.prompt ?? "") }
    pulling = job
    await keeping { try await self.store.add(job.record) }
    Task {
      await job.run { await self.fetch(job, settings) }
      await self.keep(job)
      self.endPull()
    }
  }

  private func endPull() { pulling = nil }

  private func fetch(_ job: Job, _ settings: HubSettings) async {
    guard case .pull(let reference, let variant) = job.work else { return }
    do {
      _ = try await Hub(settings).pull(reference, variant: variant) { event in
        switch event {
        case .progress(let bytes, let total, _, _): job.take(.bytes(bytes, of: total))
        case .note(let text): job.take(.note(text))
        case .waiting(_, let reason): job.take(.note(reason))
        case .found, .file: break
        }
      }
      job.take(.done)
    } catch is CancellationError {
      job.take(.cancelled)
    } catch {
      job.take(.failed(error))
    }
  }

  /// The job of a name that waits, is drawn, was drawn lately or is fetched.
  func job(_ id: String) -> Job? {
    guard !removed.contains(id) else { return nil }
    return (last + [running, pulling].compactMap(\.self) + waiting).last { $0.id == id }
  }

  /// Forgets a job.
  func forget(_ id: String) {
    last.removeAll { $0.id == id }
    waiting.removeAll { $0.id == id }
    if [running, pulling].contains(where: { $0?.id == id }) { removed.insert(id) }
  }

  /// Stops what is being drawn.
  func interrupt() { running?.cancel() }

  /// Stops everything, and returns when nothing is drawn any more; what was not finished is interrupted.
  func stop() async {
    isStopping = true
    for job in waiting { job.cancel() }
    running?.cancel()
    pulling?.cancel()
    await withCheckedContinuation { continuation in
      if running == nil { continuation.resume() } else { stopped.append(continuation) }
    }
  }

  private func startNext() {
    while !waiting.isEmpty, running == nil {
      let job = waiting.removeFirst()
      guard !job.isOver else {
        Task { await self.keep(job) }
        continue
      }
      running = job
      for (ahead, other) in waiting.enumerated() { other.take(.waiting(ahead + 1)) }
      Task {
        await job.run { await self.draw(job) }
        await self.end(job)
      }
    }
  }

  private func end(_ job: Job) async {
    await keep(job)
    running = nil
    startNext()
    guard running == nil else { return }
    stopped.forEach { $0.resume() }
    stopped = []
  }

  /// Notes how a job ended.
  private func keep(_ job: Job) async {
    guard removed.remove(job.id) == nil else { return }
    last.append(job)
    if last.count > 16 { last.removeFirst() }
    var record = job.record
    if isStopping, record.phase == .cancelled { record.phase = .interrupted }
    let (phase, error) = (record.phase, record.error)
    await keeping { try await self.store.end(job.id, phase, error: error) }
  }

  /// Drawing goes on where the store cannot be written to.
  private func keeping(_ write: () async throws -> Void) async {
    do { try await write() } catch { log("\(error)") }
  }

  private func draw(_ job: Job) async {
    do {
      switch job.work {
      case .pictures(let requests): try await draw(requests, for: job)
      case .story(let request): try await write(request, for: job)
      case .enlargement(let picture, let network, let tile):
        try await enlarge(picture, by: network, tile: tile, for: job)
      // Pulls are not in the queue.
      case .pull: break
      }
      job.take(.done)
    } catch is CancellationError {
      job.take(.cancelled)
    } catch {
      job.take(.failed(error))
    }
  }

  private func draw(_ requests: [ImageRequest], for job: Job) async throws {
    let generator = try await shelf.image(job.model, adding: job.loras)
    for (index, request) in requests.enumerated() {
      let start = ContinuousClock.now
      var picture: GeneratedImage?
      var request = request
      if job.keepsStep, request.initialPicture != nil {
        let steps = request.steps ?? generator.model.defaults.steps
        request.strength = max(request.strength, min(1, (1 / Double(steps)).nextUp))
      }
      for try await event in generator.generate(request) {
        switch event {
        case .step(let number, let count, let preview):
          job.take(.step(number, of: count, picture: index, preview: preview))
        case .finished(let image): picture = image
        }
      }
      // A loop whose task is cancelled ends without an error.
      guard let picture else { throw CancellationError() }
      secondsPerStep = (ContinuousClock.now - start) / .seconds(1) / Double(picture.settings.steps)
      await take(
        Job.Made(record: JobRecord.Drawn(picture), picture: picture.picture, image: picture),
        index, of: job)
    }
  }

  private func write(_ request: StoryRequest, for job: Job) async throws {
    let generator = try await shelf.story(job.model)
    let notes = try generator.check(request)
    var isFinished = false
    for try await event in generator.generate(request) {
      switch event {
      case .text(let text, let page): job.take(.text(text, page: page))
      case .step(let number, let count, let page, let preview):
        job.take(.step(number, of: count, picture: page - 1, preview: preview))
      case .page(let page):
        let record = JobRecord.Drawn(
          page, of: request, notes: (page.number == 1 ? notes : []) + page.picture.notes)
        await take(
          Job.Made(record: record, picture: page.picture, image: nil), page.number - 1, of: job)
      case .finished: isFinished = true
      }
    }
    guard isFinished else { throw CancellationError() }
  }

  private func enlarge(_ picture: Picture, by network: String, tile: Int, for job: Job)
    async throws
  {
    let upscaler = try await shelf.upscaler(network)
    let enlarged = try await ComputeQueue.run { checkCancellation in
      try upscaler.upscale(picture, tile: tile) { number, count in
        try checkCancellation()
        job.take(.step(number, of: count, picture: 0, preview: nil))
      }
    }
    let record = JobRecord.Drawn(
      text: nil, seed: 0, width: enlarged.width, height: enlarged.height,
      recipe: .object([
        "scale": .integer(upscaler.scale), "architecture": .string(upscaler.architecture),
      ]), notes: [])
    await take(Job.Made(record: record, picture: enlarged, image: nil), 0, of: job)
  }

  /// Keeps a picture and hands it on.
  private func take(_ made: Job.Made, _ index: Int, of job: Job) async {
    drawn += 1
    await keeping {
      try await self.store.add(made.record, index, png: made.picture.png(), of: job.id)
    }
    job.take(.picture(index, made))
  }
}
