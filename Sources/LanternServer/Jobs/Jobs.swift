import HTTPTypes
import Hummingbird
import Lantern
import LanternFormats
import LanternHub
import LanternPictures
import NIOCore

/// Our own endpoints: pictures as jobs, with the events that the program writes as JSON.
extension Service {
  func addJobs(_ router: Router<Context>) {
    addJobStarts(router)
    addJobLookUps(router)
  }

  private func addJobStarts(_ router: Router<Context>) {
    router.post("/jobs") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      let (job, notes) = try self.job(fields)
      try await self.pictures.add(job)
      var response = Response(json: job.record.json(notes: notes), status: .accepted)
      response.headers[.location] = "/jobs/\(job.id)"
      return response
    }
    router.post("/models/pull") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      let job = try self.pull(fields)
      guard let hub = self.configuration.hub else {
        throw ServerError.unsupported(
          name: "model", remedy: "this server fetches no models: use lantern pull where it runs")
      }
      try await self.pictures.pull(job, from: hub)
      var response = Response(json: job.record.json(notes: fields.notes), status: .accepted)
      response.headers[.location] = "/jobs/\(job.id)"
      return response
    }
  }

  private func addJobLookUps(_ router: Router<Context>) {
    router.get("/jobs") { request, _ in
      let query = request.uri.queryParameters
      let jobs = try await self.store.jobs(
        containing: query["search"].map(String.init) ?? "",
        limit: try query.number("limit", in: 1...1000) ?? 100,
        from: try query.number("offset", in: 0...1 << 40) ?? 0)
      var records: [JSONValue] = []
      for job in jobs {
        // What it is at now is not in the store.
        records.append((await self.pictures.job(job.id)?.record ?? job).json())
      }
      return Response(json: .object(["jobs": .array(records)]))
    }
    router.get("/jobs/:id") { _, context in
      Response(json: try await self.record(context).json())
    }
    router.post("/jobs/:id/cancel") { _, context in
      let record = try await self.record(context)
      await self.pictures.job(record.id)?.cancel()
      return Response(json: try await self.record(context).json())
    }
    router.delete("/jobs/:id") { _, context in
      let record = try await self.record(context)
      await self.pictures.job(record.id)?.cancel()
      await self.pictures.forget(record.id)
      try await self.store.remove(record.id)
      return Response(json: record.json())
    }
    router.get("/jobs/:id/events") { _, context in
      let record = try await self.record(context)
      let job = await self.pictures.job(record.id)
      return EventWriter.response(.events, errors: .own) { writer in
        guard let job else { return try await Self.write(record, &writer) }
        for await event in job.events() {
          let (name, object) = try Self.event(event, of: job)
          try await writer.send(.object(object), event: name)
        }
      }
    }
    router.get("/files/:job/:name") { _, context in
      try await self.file(context)
    }
  }

  /// The job that a path names: as it is now, or as it was kept.
  private func record(_ context: Context) async throws -> JobRecord {
    let id = context.parameters.get("id") ?? context.parameters.get("job") ?? ""
    if let job = await pictures.job(id) { return job.record }
    guard let record = try await store.job(id) else {
      throw ServerError.unknownJob("job \(JSON.quoted(id))")
    }
    return record
  }

  /// The file of a picture that a path names.
  private func file(_ context: Context) async throws -> Response {
    let name = context.parameters.get("name") ?? ""
    let record = try await record(context)
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), record.pictures.indices.contains(index),
      let format = PictureEncoding.Format(rawValue: String(parts[1]))
    else { throw ServerError.unknownJob("file \(JSON.quoted(name))") }
    var bytes = try await store.png(index, of: record.id)
    if bytes == nil, let drawn = await pictures.job(record.id)?.state.pictures,
      drawn.indices.contains(index)
    {
      bytes = try drawn[index].picture.png()
    }
    guard var bytes else { throw ServerError.unknownJob("file \(JSON.quoted(name))") }
    let encoding = PictureEncoding(format: format)
    if format != .png { bytes = try encoding.bytes(Picture(bytes)) }
    var response = Response(ByteBuffer(bytes: bytes), type: encoding.mediaType)
    response.headers[.cacheControl] = "private, max-age=86400, immutable"
    return response
  }

  /// The job of a body: settings as recipes name them, and what is about the job.
  private func job(_ fields: RequestFields) throws -> (Job, [String]) {
    let model = try fields.string("model")
    let previews = try fields.bool("previews") ?? false
    switch try fields.string("kind") ?? "image" {
    case "image":
      let (request, count, unknown) = try Self.pictures(fields)
      var wanted = request
      wanted.previewInterval = previews ? 1 : 0
      try addOns.locate(&wanted)
      let named = try addOns.loras(fields.strings("loras") ?? [])
      let (called, tagNotes) = try addOns.takeCalled(&wanted)
      let notes =
        unknown.isEmpty ? [] : ["without effect: \(unknown.sorted().joined(separator: ", "))"]
      let job = Job(model: model, adding: named + called, .pictures(wanted.repeated(count)))
      return (job, fields.notes + notes + tagNotes)
    case "story":
      var request = try Self.story(fields)
      try fields.takePictures(into: &request)
      request.previewInterval = previews ? 4 : 0
      return (Job(model: model, .story(request)), fields.notes)
    case "upscale":
      guard let picture = try fields.picture("picture") else {
        throw ServerError.field(name: "picture", reason: "it is missing")
      }
      guard let model else {
        throw ServerError.field(name: "model", reason: "name the network that enlarges")
      }
      let path = try addOns.path(of: model, .upscaler, field: "model")
      let tile = try fields.integer("tile", in: 64...2048) ?? Upscaler.standardTile
      return (Job(model: model, .enlargement(picture, network: path, tile: tile)), fields.notes)
    case let kind:
      throw ServerError.field(
        name: "kind", reason: "\(JSON.quoted(kind)): give image, story or upscale")
    }
  }

  /// The pull of a body: a model's name on the hub. Addresses are no names.
  private func pull(_ fields: RequestFields) throws(ServerError) -> Job {
    let name = try fields.string("model") ?? ""
    guard !name.contains("://"), let reference = HubReference(name) else {
      throw .field(name: "model", reason: "give OWNER/NAME, or OWNER/NAME:FILE")
    }
    let variant = try fields.string("variant")
    if let variant, !HubReference.isSafe(variant) {
      throw .field(name: "variant", reason: "\(JSON.quoted(variant)): give a name, as fp16")
    }
    return Job(model: name, .pull(reference, variant: variant))
  }

  private static func pictures(_ fields: RequestFields) throws -> (ImageRequest, Int, Set<String>) {
    let count = try fields.integer("count", in: 1...64) ?? 1
    var (request, unknown) = try settings(fields).imageRequest()
    guard !request.prompt.isEmpty else {
      throw ServerError.field(name: "settings.prompt", reason: "it is missing")
    }
    try fields.takePictures(into: &request)
    return (request, count, unknown)
  }

  private static func story(_ fields: RequestFields) throws -> StoryRequest {
    let settings = try settings(fields)
    guard let prompt = try settings.string("prompt"), !prompt.isEmpty else {
      throw ServerError.field(name: "settings.prompt", reason: "it is missing")
    }
    var request = StoryRequest(prompt: prompt)
    let values = settings.given
    do throws(FormatError) {
      let (found, unknown) = try StorySetting.request(ofValues: values, file: "settings")
      for name in values.keys where !unknown.contains(name) { _ = settings.value(name) }
      request = found
    } catch {
      throw ServerError.field(name: "settings", reason: "\(error)")
    }
    request.pages = try settings.integer("pages", in: 1...64)
    request.seed = try settings.seed() ?? request.seed
    request.temperature = try settings.float("temperature", in: 0...100)
    request.topP = try settings.float("top_p", in: 0...1)
    request.topK = try settings.integer("top_k", in: 0...1 << 20) ?? request.topK
    request.minP = try settings.float("min_p", in: 0...1) ?? request.minP
    request.imageSteps =
      try settings.integer("image_steps", in: 1...1000) ?? request.imageSteps
    request.guidance = try settings.float("guidance", in: 0...1000)
    return request
  }

  private static func settings(_ fields: RequestFields) throws(ServerError) -> RequestFields {
    guard let settings = try fields.object("settings") else {
      throw .field(name: "settings", reason: "give an object with a prompt at least")
    }
    return settings
  }

  /// The events of a job that is over.
  private static func write(_ record: JobRecord, _ writer: inout EventWriter) async throws {
    for index in record.pictures.indices {
      var object = record.picture(index).object ?? [:]
      object["event"] = "picture"
      try await writer.send(.object(object), event: "picture")
    }
    var (name, last): (String, [String: JSONValue]) = (record.phase.rawValue, [:])
    if record.phase == .failed {
      (name, last) = ("error", record.error?.object ?? [:])
    }
    last["event"] = .string(name)
    try await writer.send(.object(last), event: name)
  }

  private static func event(_ event: Job.Event, of job: Job) throws
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
    case .text(let text, let page):
      return ("text", ["event": "text", "text": .string(text), "page": .integer(page)])
    case .picture(let index, _):
      var object = job.record.picture(index).object ?? [:]
      object["event"] = "picture"
      return ("picture", object)
    case .bytes(let count, let total):
      return ("bytes", ["event": "bytes", "bytes": .integer(count), "of": .integer(total)])
    case .note(let text): return ("note", ["event": "note", "message": .string(text)])
    case .failed(let error):
      let object = ErrorForm.own.body(error).object?["error"]?.object ?? [:]
      return ("error", object.merging(["event": "error"]) { $1 })
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
