import LanternDecoding
import LanternFormats
import LanternPictures
import LanternPlatform
public import LanternTensor

/// An image model as the illustrator of a story: a latent-diffusion model, or the storyteller, which draws too.
public struct StoryIllustrator: Sendable {
  private enum Model: Sendable {
    case image(ImageGenerator)
    case storyteller(StoryGenerator)
  }

  private let model: Model

  /// An image model that is loaded.
  public init(_ generator: ImageGenerator) { model = .image(generator) }

  /// A transformer that writes and draws, which draws here.
  public init(_ generator: StoryGenerator) { model = .storyteller(generator) }

  /// Loads a model by what lies at a path.
  ///
  /// - Parameters:
  ///   - path: a folder or one file of an image model, or a folder of a transformer that writes and draws.
  ///   - precision: how exactly it computes.
  /// - Throws: ``RequestError/mismatch(reason:path:)`` for a language model; an error that names the file, what is wrong
  ///   with it, and the remedy.
  public init(path: String, precision: Precision = .default) throws {
    try Self.check(path)
    if StoryGenerator.isModel(path) {
      self.init(try StoryGenerator(folder: path, precision: precision))
    } else {
      self.init(try ImageGenerator(folder: path, precision: precision))
    }
  }

  /// Refuses a path that has a language model.
  ///
  /// - Throws: ``RequestError/mismatch(reason:path:)``.
  package static func check(_ path: String) throws(RequestError) {
    guard LanguageGenerator.isWriter(path) else { return }
    throw .mismatch(
      reason: "it is a language model, which writes: give a model of pictures as the illustrator",
      path: path)
  }

  /// Notes on the model's files: a line each.
  public var notes: [String] {
    if case .image(let generator) = model { generator.notes } else { [] }
  }

  /// The model's name.
  package var name: String {
    switch model {
    case .image(let generator): HubCache.name(of: generator.model.path)
    case .storyteller(let generator): HubCache.name(of: generator.path)
    }
  }

  /// The words that its scenes are made of, where its world is closed and its folder says them.
  var scene: SceneVocabulary? {
    switch model {
    case .image(let generator): generator.scene
    case .storyteller(let generator): generator.model.defaults.world?.scene
    }
  }

  /// Notes on settings of pictures without an effect on this model: a line each.
  func notes(on request: StoryRequest) -> [String] {
    guard case .image = model, StorySetting.schedule.isChanged(request) else { return [] }
    return ["schedule without effect: \(name) does not draw by masked codes"]
  }

  /// Draws a page's picture.
  ///
  /// - Parameters:
  ///   - prompt: what it shows.
  ///   - seed: of its noise.
  ///   - request: steps, guidance and previews.
  ///   - onStep: called after each step with its number from 1, their count, and a preview where one is due; throw to stop.
  /// - Returns: the picture, with its recipe.
  /// - Throws: an error of the room where it arose, or what `onStep` throws.
  func draw(
    _ prompt: String, seed: UInt64, _ request: StoryRequest,
    onStep: (_ number: Int, _ count: Int, _ preview: Picture?) throws -> Void
  ) throws -> Picture {
    switch model {
    case .image(let generator):
      var drawing = ImageRequest(prompt: prompt)
      (drawing.seed, drawing.steps, drawing.guidance) = (seed, request.imageSteps, request.guidance)
      let image = try generator.draw(drawing) { step in
        try onStep(step.number, step.count, step.preview(every: request.previewInterval))
      }
      var picture = image.picture
      picture.notes = image.notes
      return picture
    case .storyteller(let generator):
      var drawing = TokenPictureRequest(prompt: prompt)
      (drawing.seed, drawing.steps, drawing.guidance) = (seed, request.imageSteps, request.guidance)
      (drawing.schedule, drawing.previewInterval) = (request.schedule, request.previewInterval)
      return try generator.draw(drawing, onStep: onStep)
    }
  }
}

extension ImageGenerator {
  /// The words that its scenes are made of, where its world is closed and its folder says them.
  package var scene: SceneVocabulary? { model.defaults.world?.scene }
}

extension LanguageGenerator {
  /// Whether a path has a language model: a GGUF file, or a folder by the class that its settings name.
  package static func isWriter(_ path: String) -> Bool {
    path.lowercased().hasSuffix(".gguf") || isModel(path)
  }

  /// Refuses a path that has a model of pictures.
  ///
  /// - Throws: ``RequestError/mismatch(reason:path:)``.
  package static func checkWriter(_ path: String) throws(RequestError) {
    let isFile = [".safetensors", ".ckpt"].contains { path.lowercased().hasSuffix($0) }
    guard isFile || FileSystem.exists(FileSystem.join(path, "model_index.json")) else { return }
    throw .mismatch(
      reason: "it is a model of pictures, which draws: give a language model as the writer",
      path: path)
  }
}
