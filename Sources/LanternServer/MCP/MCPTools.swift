import Lantern
import LanternFormats
import LanternPictures

/// What chat programs may call.
struct MCPTools: Sendable {
  /// A tool: its name, what it does, and the fields that it takes.
  enum Tool: String, CaseIterable, Sendable { case image, story, caption }

  static let all = Tool.allCases

  let shelf: ModelShelf

  /// Runs a tool.
  ///
  /// - Parameters:
  ///   - tool: which.
  ///   - arguments: its fields.
  ///   - onStep: called with each step and their number.
  /// - Returns: what it made: texts and pictures.
  /// - Throws: what is wrong with the fields, and what the models throw.
  func run(
    _ tool: Tool, _ arguments: JSONValue, onStep: @escaping @Sendable (Int, Int) -> Void
  ) async throws -> [JSONValue] {
    let fields = try RequestFields(arguments)
    let content =
      switch tool {
      case .image: try await image(fields, onStep)
      case .story: try await story(fields, onStep)
      case .caption: try await caption(fields)
      }
    return content + fields.notes.map(Self.text)
  }

  private func image(_ fields: RequestFields, _ onStep: @Sendable (Int, Int) -> Void) async throws
    -> [JSONValue]
  {
    var request = ImageRequest(prompt: try fields.prompt())
    request.negativePrompt = try fields.string("negative_prompt") ?? ""
    request.width = try fields.integer("width", in: 1...16384)
    request.height = try fields.integer("height", in: 1...16384)
    request.steps = try fields.integer("steps", in: 1...1000)
    request.seed = try fields.seed() ?? request.seed
    let generator = try await shelf.image(fields.string("model"))
    for try await event in generator.generate(request) {
      switch event {
      case .step(let step, let count, _): onStep(step, count)
      case .finished(let image):
        let size = "\(image.picture.width)×\(image.picture.height)"
        let facts = "\(size), seed \(image.settings.seed), \(image.settings.steps) steps"
        return [try Self.picture(image.picture), Self.text(facts)] + image.notes.map(Self.text)
      }
    }
    throw CancellationError()
  }

  private func story(_ fields: RequestFields, _ onStep: @Sendable (Int, Int) -> Void) async throws
    -> [JSONValue]
  {
    var request = StoryRequest(prompt: try fields.prompt())
    request.pages = try fields.integer("pages", in: 1...64)
    request.seed = try fields.seed() ?? request.seed
    let generator = try await shelf.story(fields.string("model"))
    var content: [JSONValue] = []
    for try await event in generator.generate(request) {
      switch event {
      case .step(let step, let count, let page, _):
        onStep((page - 1) * count + step, max(page, request.pages ?? page) * count)
      case .page(let page):
        content += [Self.text(page.text), try Self.picture(page.picture)]
      case .text: break
      case .finished: return content
      }
    }
    throw CancellationError()
  }

  private func caption(_ fields: RequestFields) async throws -> [JSONValue] {
    guard let picture = try fields.picture("image") else {
      throw ServerError.field(name: "image", reason: "give a picture in base64")
    }
    let question = try fields.string("question") ?? ""
    let generator = try await shelf.story(fields.string("model"))
    let text = try await generator.caption(of: picture, question: question)
    return [Self.text(text)] + generator.notes(on: question).map(Self.text)
  }

  /// A text among what a tool made.
  static func text(_ text: String) -> JSONValue {
    .object(["type": "text", "text": .string(text)])
  }

  private static func picture(_ picture: Picture) throws -> JSONValue {
    .object(["type": "image", "data": try picture.base64(), "mimeType": "image/png"])
  }
}

extension RequestFields {
  fileprivate func prompt() throws(ServerError) -> String {
    guard let prompt = try string("prompt"), !prompt.isEmpty else {
      throw .field(name: "prompt", reason: "it is missing")
    }
    return prompt
  }
}

extension MCPTools.Tool {
  var name: String { rawValue }

  /// The tool in a list of them.
  var json: JSONValue {
    .object([
      "name": .string(name), "title": .string(title), "description": .string(description),
      "inputSchema": .object([
        "type": "object", "properties": .object(fields),
        "required": .array([self == .caption ? "image" : "prompt"]),
      ]),
      "annotations": .object([
        "readOnlyHint": true, "openWorldHint": false, "title": .string(title),
      ]),
    ])
  }

  private var title: String {
    switch self {
    case .image: "Draw a picture"
    case .story: "Tell a story with pictures"
    case .caption: "Describe a picture"
    }
  }

  private var description: String {
    switch self {
    case .image: "Draws a picture from words and returns it as PNG, with its seed."
    case .story: "Writes a short story and draws each of its pages: a text and a PNG for each."
    case .caption: "Says in a sentence what a picture shows, or answers a question about it."
    }
  }

  private var fields: [String: JSONValue] {
    func field(_ type: String, _ description: String) -> JSONValue {
      .object(["type": .string(type), "description": .string(description)])
    }
    var fields = ["model": field("string", "The model's name; the first of its kind without.")]
    switch self {
    case .image:
      fields["prompt"] = field("string", "What to draw, as: a red fox on the beach.")
      fields["negative_prompt"] = field("string", "What not to draw.")
      fields["width"] = field("integer", "Pixels; the model's own without.")
      fields["height"] = field("integer", "Pixels; the model's own without.")
      fields["steps"] = field("integer", "Sampling steps; the model's own without.")
      fields["seed"] = field("integer", "The same seed draws the same picture.")
    case .story:
      fields["prompt"] = field("string", "What it is about, as: a red fox who looks for a key.")
      fields["pages"] = field("integer", "Pages; the model's own without.")
      fields["seed"] = field("integer", "The same seed tells the same story.")
    case .caption:
      fields["image"] = field("string", "A PNG or JPEG in base64, or as a data URL.")
      fields["question"] = field("string", "A question about it; a caption without.")
    }
    return fields
  }
}
