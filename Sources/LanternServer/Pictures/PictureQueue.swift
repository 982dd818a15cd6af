import Lantern
import LanternFormats
import LanternPictures

/// Draws one picture at a time, in the order of the requests, and keeps the last ones.
actor PictureQueue {
  private let shelf: ModelShelf
  private let configuration: ServerConfiguration
  private var waiting: [PictureJob] = []
  private(set) var running: PictureJob?
  /// Jobs that are over, the newest last.
  private var kept: [PictureJob] = []
  /// Seconds that a step of the last picture took.
  private(set) var secondsPerStep: Double?
  private(set) var drawn = 0

  init(_ shelf: ModelShelf, _ configuration: ServerConfiguration) {
    (self.shelf, self.configuration) = (shelf, configuration)
  }

  /// Pictures that wait.
  var count: Int { waiting.count }

  /// Takes a job.
  ///
  /// - Throws: ``ServerError/queueFull(limit:)``, and of a model that is not there.
  func add(_ job: PictureJob) async throws {
    guard waiting.count < configuration.queueLimit else {
      throw ServerError.queueFull(limit: configuration.queueLimit)
    }
    _ = try await shelf.entry(named: job.model, .image)
    waiting.append(job)
    job.take(.waiting(waiting.count - 1 + (running == nil ? 0 : 1)))
    if running == nil { startNext() }
  }

  /// The job of a name.
  ///
  /// - Throws: ``ServerError/unknownJob(_:)``.
  func job(_ id: String) throws(ServerError) -> PictureJob {
    let all = kept + waiting + [running].compactMap(\.self)
    guard let job = all.last(where: { $0.id == id }) else {
      throw .unknownJob("job \(JSON.quoted(id))")
    }
    return job
  }

  /// All jobs, the newest first.
  var jobs: [PictureJob] { (kept + [running].compactMap(\.self) + waiting).reversed() }

  /// Stops what is being drawn.
  func interrupt() { running?.cancel() }

  /// Stops everything.
  func stop() {
    for job in waiting { job.cancel() }
    running?.cancel()
  }

  private func startNext() {
    while !waiting.isEmpty, running == nil {
      let job = waiting.removeFirst()
      guard !job.isOver else {
        keep(job)
        continue
      }
      running = job
      for (ahead, other) in waiting.enumerated() { other.take(.waiting(ahead + 1)) }
      Task {
        await job.run { await self.draw(job) }
        self.end(job)
      }
    }
  }

  private func end(_ job: PictureJob) {
    running = nil
    keep(job)
    startNext()
  }

  /// Keeps a job, and lets the oldest pictures out.
  private func keep(_ job: PictureJob) {
    kept.append(job)
    while kept.count > 1,
      kept.reduce(0, { $0 + max(1, $1.state.pictures.count) }) > configuration.keptPictures
    {
      kept.removeFirst()
    }
  }

  private func draw(_ job: PictureJob) async {
    do {
      let generator = try await shelf.image(job.model)
      for (index, request) in job.requests.enumerated() {
        let start = ContinuousClock.now
        var picture: GeneratedImage?
        for try await event in generator.generate(request) {
          switch event {
          case .step(let number, let count, let preview):
            job.take(.step(number, of: count, picture: index, preview: preview))
          case .finished(let image): picture = image
          }
        }
        // A loop whose task is cancelled ends without an error.
        guard let picture else { throw CancellationError() }
        secondsPerStep =
          (ContinuousClock.now - start) / .seconds(1) / Double(picture.settings.steps)
        drawn += 1
        job.take(.picture(index, picture))
      }
      job.take(.done)
    } catch is CancellationError {
      job.take(.cancelled)
    } catch {
      job.take(.failed(error))
    }
  }
}
