import Lantern
import LanternFormats
import LanternHub
import LanternPictures
import LanternPlatform

/// Pictures or a story of one request, from the queue to the last picture.
final class Job: Sendable {
  /// What comes of it.
  enum Event: Sendable {
    /// It waits: how many are before it.
    case waiting(Int)
    case step(Int, of: Int, picture: Int, preview: Picture?)
    /// Words of a story's page.
    case text(String, page: Int)
    case picture(Int, Made)
    /// Bytes of a model that have come.
    case bytes(Int, of: Int)
    case note(String)
    case failed(any Error)
    case cancelled
    case done
  }

  /// What is to be made.
  enum Work: Sendable {
    /// One request a picture.
    case pictures([ImageRequest])
    case story(StoryRequest)
    /// A larger picture, by the network in a file.
    case enlargement(Picture, network: String, tile: Int)
    /// A model that is fetched from the hub.
    case pull(HubReference, variant: String?)

    var prompt: String {
      switch self {
      case .pictures(let requests): requests.first?.prompt ?? ""
      case .story(let request): request.prompt
      case .enlargement: ""
      case .pull(let reference, _): reference.text
      }
    }

    /// What is written into its pictures' files.
    var texts: [String] {
      guard case .pictures(let requests) = self else { return [prompt] }
      return requests.flatMap { request in
        [request.prompt, request.negativePrompt]
          + [request.prompt2, request.negativePrompt2].compactMap(\.self)
      }
    }

    /// Pictures of it; those of a story as far as the request says.
    var count: Int {
      switch self {
      case .pictures(let requests): requests.count
      case .story(let request): request.pages ?? 1
      case .enlargement: 1
      case .pull: 0
      }
    }

    /// What it is called where jobs are listed.
    var kind: String {
      switch self {
      case .pictures: "image"
      case .story: "story"
      case .enlargement: "upscale"
      case .pull: "pull"
      }
    }

    /// The kind of model on the shelf that makes it; nil for none.
    var modelKind: ModelKind? {
      switch self {
      case .pictures: .image
      case .story: .story
      case .enlargement, .pull: nil
      }
    }
  }

  /// A picture that was made, or a page of a story.
  struct Made: Sendable {
    let record: JobRecord.Drawn
    let picture: Picture
    /// The picture with its settings; nil for pages.
    let image: GeneratedImage?
  }

  /// Where it is.
  struct State: Sendable {
    /// `interrupted` is what the end of the server left unfinished.
    enum Phase: String, Sendable { case waiting, running, done, failed, cancelled, interrupted }
    var phase = Phase.waiting
    var ahead = 0
    var step = (number: 0, count: 0)
    var picture = 0
    var preview: Picture?
    var pictures: [Made] = []
    var error: (any Error)?
    var begun: ContinuousClock.Instant?
    fileprivate var listeners: [Int: AsyncStream<Event>.Continuation] = [:]
    fileprivate var count = 0
    fileprivate var task: Task<Void, Never>?
  }

  /// Its name, which cannot be guessed.
  let id: String
  /// The model's name; the first that draws when nil.
  let model: String?
  /// What is added to the model's weights.
  let loras: [LoRA]
  /// What is wanted.
  let work: Work
  /// When it was made, in seconds since 1970.
  let keepsStep: Bool
  let created = unixTime
  private let box: Locked<State>

  /// - Parameters:
  ///   - model: its name; the first of the kind when nil.
  ///   - loras: what is added to the model's weights.
  ///   - work: what is to be made.
  ///   - keepsStep: whether of a picture that is drawn anew one step is taken, however small its strength is, as
  ///     clients of other programs expect.
  init(
    model: String?, adding loras: [LoRA] = [], _ work: Work, keepsStep: Bool = false
  ) {
    self.keepsStep = keepsStep
    (id, self.model, self.loras, self.work) = (Self.newID(), model, loras, work)
    box = Locked(State())
  }

  private static func newID() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let text = String(generator.next(), radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
  }

  var state: State { box { $0 } }

  /// Whether nothing more comes of it.
  var isOver: Bool { ![.waiting, .running].contains(state.phase) }

  /// What comes of it from now on, after what it is at now. Leaving the loop changes nothing.
  func events() -> AsyncStream<Event> {
    AsyncStream { stream in
      let number = box { state -> Int? in
        for (index, picture) in state.pictures.enumerated() {
          stream.yield(.picture(index, picture))
        }
        switch state.phase {
        case .waiting: stream.yield(.waiting(state.ahead))
        case .running: break
        case .done: stream.yield(.done)
        case .failed: if let error = state.error { stream.yield(.failed(error)) }
        case .cancelled, .interrupted: stream.yield(.cancelled)
        }
        guard [.waiting, .running].contains(state.phase) else { return nil }
        state.count += 1
        state.listeners[state.count] = stream
        return state.count
      }
      guard let number else { return stream.finish() }
      stream.onTermination = { [weak self] _ in
        self?.box { $0.listeners[number] = nil }
      }
    }
  }

  /// Takes note of an event, and hands it on.
  func take(_ event: Event) {
    let listeners = box { state -> [AsyncStream<Event>.Continuation] in
      switch event {
      case .waiting(let ahead): state.ahead = ahead
      case .step(let number, let count, let picture, let preview):
        state.step = (number, count)
        state.picture = picture
        state.preview = preview ?? state.preview
      case .bytes(let count, let total): state.step = (count, total)
      case .text, .note: break
      case .picture(_, let picture): state.pictures.append(picture)
      case .failed(let error): (state.phase, state.error) = (.failed, error)
      case .cancelled: state.phase = .cancelled
      case .done: state.phase = .done
      }
      return Array(state.listeners.values)
    }
    for listener in listeners {
      listener.yield(event)
      if isOver { listener.finish() }
    }
  }

  /// Begins, unless it was cancelled.
  ///
  /// - Parameter work: draws.
  func run(_ work: @escaping @Sendable () async -> Void) async {
    let task = box { state -> Task<Void, Never>? in
      guard state.phase == .waiting else { return nil }
      (state.phase, state.begun) = (.running, .now)
      let task = Task { await work() }
      state.task = task
      return task
    }
    await task?.value
  }

  /// Stops it within a step; what is drawn stays.
  func cancel() {
    let task = box { state -> Task<Void, Never>? in state.phase == .running ? state.task : nil }
    if let task { return task.cancel() }
    if !isOver { take(.cancelled) }
  }

  /// The pictures, when all are drawn. Cancelling the task that waits cancels the job.
  ///
  /// - Throws: what drawing throws; `CancellationError`.
  func pictures() async throws -> [GeneratedImage] {
    try await withTaskCancellationHandler {
      for await event in events() {
        switch event {
        case .failed(let error): throw error
        case .cancelled: throw CancellationError()
        default: break
        }
      }
      return state.pictures.compactMap(\.image)
    } onCancel: {
      cancel()
    }
  }
}
