import Hummingbird
import Lantern
import LanternFormats
import LanternPictures
import NIOCore

/// OpenAI's generations and edits of pictures.
extension Service {
  func addImages(_ router: Router<Context>) {
    router.post("/v1/images/generations") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      var wanted = try fields.openAIImageRequest()
      return try await self.images(fields, &wanted, request, event: "image_generation")
    }
    router.post("/v1/images/edits") { request, _ in
      var request = request
      let form = try MultipartForm(
        await self.body(&request), type: request.headers[.contentType] ?? "")
      let fields = RequestFields(form: form.texts)
      fields.pass("image", "mask", "image[]")
      var wanted = try fields.openAIImageRequest()
      guard let file = form.files["image"] ?? form.files["image[]"] else {
        throw ServerError.field(name: "image", reason: "send the file of a picture")
      }
      let picture = try PictureWithAlpha(file, path: "image")
      wanted.initialPicture = try Picture(file, path: "image")
      wanted.mask = try Self.mask(form.files["mask"], picture)
      wanted.strength = try fields.number("strength", in: 0.01...1) ?? 0.75
      return try await self.images(fields, &wanted, request, event: "image_edit")
    }
  }

  /// What is transparent, of the mask or else of the picture, is drawn anew.
  private static func mask(_ file: [UInt8]?, _ picture: PictureWithAlpha) throws -> Mask? {
    let source = try file.map { try PictureWithAlpha($0, path: "mask") } ?? picture
    guard let alpha = source.alpha else {
      guard file == nil else {
        throw ServerError.field(
          name: "mask", reason: "nothing in it is transparent: what is transparent is drawn anew")
      }
      return nil
    }
    return try Mask(
      width: source.colours.width, height: source.colours.height, pixels: alpha.map { 255 - $0 })
  }

  private func images(
    _ fields: RequestFields, _ wanted: inout ImageRequest, _ call: Request, event: String
  ) async throws -> Response {
    let model = try fields.string("model")
    let count = try fields.integer("n", in: 1...16) ?? 1
    let encoding = try fields.encoding()
    let form = try fields.string("response_format") ?? "b64_json"
    guard ["b64_json", "url"].contains(form) else {
      throw ServerError.field(name: "response_format", reason: "give b64_json or url")
    }
    let isStreamed = try fields.bool("stream") ?? false
    let previews = try fields.integer("partial_images", in: 0...3) ?? 0
    let partial = isStreamed ? previews : 0
    if previews > partial { fields.leave("partial_images") }
    fields.pass("user")
    fields.pass(idle: [
      "background": ["auto", "opaque"], "moderation": ["auto"],
      "input_fidelity": ["low"],
    ])
    let steps = wanted.steps ?? 20
    wanted.previewInterval = isStreamed && partial > 0 ? max(1, steps / (partial + 1)) : 0
    let (loras, tagNotes) = try addOns.takeCalled(&wanted)
    let job = Job(
      model: Self.modelName(model), adding: loras, .pictures(wanted.repeated(count)),
      keepsStep: true)
    try await pictures.add(job)
    if isStreamed {
      let stream = ImageStream(
        job: job, event: event, encoding: encoding, partial: partial,
        notes: fields.notes + tagNotes)
      return EventWriter.response(.events, errors: .openAI) { try await stream.write(&$0) }
    }
    let drawn = try await whileListening(call) { try await job.pictures() }
    let host = call.head.authority ?? "\(configuration.host):\(configuration.port)"
    let data = try drawn.enumerated().map { index, image in
      var object: [String: JSONValue] = ["seed": JSONValue(image.settings.seed)]
      if form == "url" {
        object["url"] = .string(
          "http://\(host)/files/\(job.id)/\(index).\(encoding.format.rawValue)")
      } else {
        object["b64_json"] = try image.picture.base64(encoding)
      }
      return JSONValue.object(object)
    }
    let notes = fields.notes + tagNotes + drawn.flatMap(\.notes)
    return Response(
      json: .object([
        "created": .integer(unixTime), "data": .array(data),
        "output_format": .string(encoding.format.rawValue),
        "notes": .array(Set(notes).sorted().map(JSONValue.string)),
      ]), closes: true)
  }

  /// The name of a model; nil for those of OpenAI, which clients send whatever is served.
  static func modelName(_ name: String?) -> String? {
    guard let name, !name.hasPrefix("dall-e"), !name.hasPrefix("gpt-image") else { return nil }
    return name
  }
}

extension RequestFields {
  /// A picture as OpenAI's clients ask for it, with our own settings in addition.
  fileprivate func openAIImageRequest() throws -> ImageRequest {
    guard let prompt = try string("prompt"), !prompt.isEmpty else {
      throw ServerError.field(name: "prompt", reason: "it is missing")
    }
    var request = ImageRequest(prompt: prompt)
    request.negativePrompt = try string("negative_prompt") ?? ""
    if let size = try size() { (request.width, request.height) = (size.width, size.height) }
    request.steps = try integer("steps", in: 1...1000)
    // With steps the quality has no effect, which is noted.
    if request.steps == nil { request.steps = try qualitySteps() }
    pass(idle: ["quality": ["auto"]])
    request.guidance = try float("guidance", in: 0...1000)
    request.sampler = try string("sampler")
    request.seed = try seed() ?? request.seed
    return request
  }

  /// The steps of a quality; nil for the model's own.
  private func qualitySteps() throws(ServerError) -> Int? {
    switch try string("quality") {
    case "low": 10
    case "high", "hd": 50
    case nil, "auto", "medium", "standard": nil
    case let other?:
      throw .field(
        name: "quality", reason: "\(JSON.quoted(other)): give low, medium, high or auto")
    }
  }
}

/// A picture's way out of noise as events.
private struct ImageStream {
  let job: Job
  let event: String
  let encoding: PictureEncoding
  let partial: Int
  let notes: [String]

  func write(_ writer: inout EventWriter) async throws {
    var sent = 0
    do {
      for await event in job.events() {
        switch event {
        case .step(let number, let count, _, let preview):
          guard let preview, sent < partial, number < count else { continue }
          try await send("partial_image", preview, ["partial_image_index": .integer(sent)], &writer)
          sent += 1
        case .picture(_, let made):
          guard let image = made.image else { continue }
          sent = 0
          try await send(
            "completed", image.picture,
            [
              "seed": JSONValue(image.settings.seed),
              "usage": .object(["input_tokens": 0, "output_tokens": 0, "total_tokens": 0]),
              "notes": .array((notes + image.notes).map(JSONValue.string)),
            ], &writer)
        case .failed(let error): throw error
        case .waiting, .text, .bytes, .note, .cancelled, .done: break
        }
      }
    } catch {
      job.cancel()
      throw error
    }
  }

  private func send(
    _ kind: String, _ picture: Picture, _ more: [String: JSONValue], _ writer: inout EventWriter
  ) async throws {
    let name = "\(event).\(kind)"
    var object = more
    object["type"] = .string(name)
    object["b64_json"] = try picture.base64(encoding)
    object["created_at"] = .integer(unixTime)
    object["size"] = .string("\(picture.width)x\(picture.height)")
    (object["quality"], object["background"]) = ("auto", "opaque")
    object["output_format"] = .string(encoding.format.rawValue)
    try await writer.send(.object(object), event: name)
  }
}
