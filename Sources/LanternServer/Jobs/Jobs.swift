import HTTPTypes
import Hummingbird
import Lantern
import LanternFormats
import NIOCore

/// Our own endpoints: pictures as jobs, with the events that the program writes as JSON.
extension Service {
  func addJobs(_ router: Router<Context>) {
    router.post("/jobs") { request, _ in
      var request = request
      var fields = try await self.fields(&request)
      let (job, notes) = try self.job(&fields)
      try await self.pictures.add(job)
      var response = Response(json: self.json(job, notes: notes), status: .accepted)
      response.headers[.location] = "/jobs/\(job.id)"
      return response
    }
    router.get("/jobs") { _, _ in
      let jobs = await self.pictures.jobs
      return Response(json: .object(["jobs": .array(jobs.map { self.json($0) })]))
    }
    router.get("/jobs/:id") { _, context in
      let job = try await self.pictures.job(context.parameters.get("id") ?? "")
      return Response(json: self.json(job))
    }
    router.delete("/jobs/:id") { _, context in
      let job = try await self.pictures.job(context.parameters.get("id") ?? "")
      job.cancel()
      return Response(json: self.json(job))
    }
    router.get("/jobs/:id/events") { _, context in
      let job = try await self.pictures.job(context.parameters.get("id") ?? "")
      return EventWriter.response(.events, errors: .own) { writer in
        for await event in job.events() {
          let (name, object) = try self.event(event, of: job)
          try await writer.send(.object(object), event: name)
        }
      }
    }
    router.get("/files/:job/:name") { _, context in
      let name = context.parameters.get("name") ?? ""
      let job = try await self.pictures.job(context.parameters.get("job") ?? "")
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      let drawn = job.state.pictures
      guard parts.count == 2, let index = Int(parts[0]), drawn.indices.contains(index),
        let format = PictureEncoding.Format(rawValue: String(parts[1]))
      else { throw ServerError.unknownJob("file \(JSON.quoted(name))") }
      let encoding = PictureEncoding(format: format)
      var response = Response(
        ByteBuffer(bytes: try encoding.bytes(drawn[index].picture)), type: encoding.mediaType)
      response.headers[.cacheControl] = "private, max-age=86400, immutable"
      return response
    }
  }

  /// The job of a body: settings as recipes name them, and what is about the job.
  private func job(_ fields: inout RequestFields) throws -> (PictureJob, [String]) {
    let kind = try fields.string("kind") ?? "image"
    guard kind == "image" else {
      throw ServerError.field(name: "kind", reason: "\(JSON.quoted(kind)): give image")
    }
    let model = try fields.string("model")
    let count = try fields.integer("count", in: 1...64) ?? 1
    let previews = try fields.bool("previews") ?? false
    let picture = try fields.picture("picture")
    let mask = try fields.string("mask").map {
      try Mask(RequestFields.bytes(ofBase64: $0, "mask"), path: "mask")
    }
    guard let settings = try fields.object("settings") else {
      throw ServerError.field(name: "settings", reason: "give an object with a prompt at least")
    }
    var (request, unknown) = try settings.imageRequest()
    guard !request.prompt.isEmpty else {
      throw ServerError.field(name: "settings.prompt", reason: "it is missing")
    }
    if let picture { request.initialPicture = picture }
    request.mask = mask
    request.previewInterval = previews ? 1 : 0
    let notes =
      fields.notes
      + (unknown.isEmpty ? [] : ["without effect: \(unknown.sorted().joined(separator: ", "))"])
    return (PictureJob(model: model, request.repeated(count)), notes)
  }

  /// A job as it is now.
  func json(_ job: PictureJob, notes: [String] = []) -> JSONValue {
    let state = job.state
    var object: [String: JSONValue] = [
      "id": .string(job.id), "state": .string(state.phase.rawValue), "ahead": .integer(state.ahead),
      "count": .integer(job.requests.count), "step": .integer(state.step.number),
      "of": .integer(state.step.count),
      "prompt": .string(job.requests.first?.prompt ?? ""),
      "pictures": .array(state.pictures.indices.map { json(state.pictures[$0], $0, of: job) }),
    ]
    if let error = state.error { object["error"] = ErrorForm.own.body(error).object?["error"] }
    if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
    return .object(object)
  }

  private func json(_ image: GeneratedImage, _ index: Int, of job: PictureJob) -> JSONValue {
    .object([
      "path": .string("/files/\(job.id)/\(index).png"), "seed": JSONValue(image.settings.seed),
      "width": .integer(image.picture.width), "height": .integer(image.picture.height),
      "recipe": image.recipe.json, "notes": .array(image.notes.map(JSONValue.string)),
    ])
  }

  private func event(_ event: PictureJob.Event, of job: PictureJob) throws
    -> (String, [String: JSONValue])
  {
    switch event {
    case .waiting(let ahead): return ("waiting", ["event": "waiting", "ahead": .integer(ahead)])
    case .step(let number, let count, let picture, let preview):
      var object: [String: JSONValue] = [
        "event": "step", "step": .integer(number), "of": .integer(count),
        "picture": .integer(picture),
      ]
      object["preview"] = try preview?.base64(PictureEncoding(format: .jpeg, quality: 80))
      return ("step", object)
    case .picture(let index, let image):
      var object = json(image, index, of: job).object ?? [:]
      object["event"] = "picture"
      return ("picture", object)
    case .failed(let error):
      return ("error", ["event": "error", "message": .string("\(error)")])
    case .cancelled: return ("cancelled", ["event": "cancelled"])
    case .done: return ("done", ["event": "done"])
    }
  }
}

extension RequestFields {
  /// The request of settings as recipes name them, and the keys that are none.
  func imageRequest() throws(ServerError) -> (ImageRequest, Set<String>) {
    do throws(FormatError) {
      return try ImageSetting.request(ofSome: all, file: "settings")
    } catch {
      throw .field(name: "settings", reason: "\(error)")
    }
  }
}
