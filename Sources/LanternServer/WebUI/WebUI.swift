import Hummingbird
import Lantern
import LanternFormats
import LanternPictures
import LanternSamplers

/// stable-diffusion-webui's API, as its clients use it.
extension Service {
  func addWebUI(_ router: Router<Context>) {
    let api = router.group("/sdapi/v1")
    for (path, hasPicture) in [("txt2img", false), ("img2img", true)] {
      api.post(RouterPath(path)) { request, _ in
        var request = request
        let fields = try await self.fields(&request)
        return try await self.webUIPicture(fields, hasPicture: hasPicture, request)
      }
    }
    api.get("progress") { request, _ in
      try await self.progress(
        skipsPicture: request.uri.queryParameters.bool("skip_current_image") ?? false)
    }
    for path in ["interrupt", "skip"] {
      api.post(RouterPath(path)) { _, _ in
        await self.pictures.interrupt()
        return Response(json: .object([:]))
      }
    }
    addWebUILists(api)
    addWebUIExtras(api)
    addWebUIControls(router)
    api.post("png-info") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      guard let text = try fields.string("image") else {
        throw ServerError.field(name: "image", reason: "it is missing")
      }
      let metadata = try PictureMetadata(
        RequestFields.bytes(ofBase64: text, "image"), path: "image")
      let items = Dictionary(
        metadata.entries.map { ($0.key, JSONValue.string($0.text)) },
        uniquingKeysWith: { a, _ in a })
      return Response(
        json: .object([
          "info": .string(metadata["parameters"] ?? ""), "items": .object(items),
          "parameters": .object([:]),
        ]))
    }
  }

  /// Fields that hold pictures, which are not sent back.
  private static let pictureFields: Set<String> = [
    "init_images", "init_img_hash", "mask", "alwayson_scripts",
  ]

  private func webUIPicture(
    _ fields: RequestFields, hasPicture: Bool, _ call: Request
  ) async throws -> Response {
    var wanted = try WebUIPicture(fields, hasPicture: hasPicture, addOns)
    let (loras, tagNotes) = try addOns.takeCalled(&wanted.request)
    let settings = await webUIOptions.values
    wanted.model = wanted.model ?? settings.checkpoint
    wanted.request.previewInterval = 5
    let job = Job(
      model: wanted.model, adding: loras, .pictures(wanted.request.repeated(wanted.count)),
      keepsStep: true)
    try await pictures.add(job)
    let drawn = try await whileListening(call) { try await job.pictures() }
    let notes = fields.notes + tagNotes + drawn.flatMap(\.notes)
    let images = wanted.sendsImages ? try drawn.map { try $0.picture.base64() } : []
    return Response(
      json: .object([
        "images": .array(images),
        "parameters": .object(fields.all.filter { !Self.pictureFields.contains($0.key) }),
        "info": .string(JSON.write(Self.info(wanted, drawn, notes: Set(notes).sorted()))),
      ]), closes: true)
  }

  /// How pictures were drawn, in webui's words.
  private static func info(_ wanted: WebUIPicture, _ drawn: [GeneratedImage], notes: [String])
    -> JSONValue
  {
    let (request, first) = (wanted.request, drawn.first?.settings)
    func all(_ value: JSONValue) -> JSONValue { .array(drawn.map { _ in value }) }
    return .object([
      "prompt": .string(request.prompt), "all_prompts": all(.string(request.prompt)),
      "negative_prompt": .string(request.negativePrompt),
      "all_negative_prompts": all(.string(request.negativePrompt)),
      "seed": JSONValue(first?.seed ?? request.seed),
      "all_seeds": .array(drawn.map { JSONValue($0.settings.seed) }),
      "subseed": 0, "all_subseeds": all(0), "subseed_strength": 0,
      "width": .integer(first?.width ?? 0), "height": .integer(first?.height ?? 0),
      "sampler_name": .string(first.map { SamplerCatalogue.webUIName(of: $0.sampler) } ?? ""),
      "cfg_scale": .number(Double(first?.guidance ?? 0)), "steps": .integer(first?.steps ?? 0),
      "batch_size": .integer(drawn.count), "denoising_strength": .number(request.strength),
      "infotexts": .array(drawn.map { .string($0.picture.metadata["parameters"] ?? "") }),
      "index_of_first_image": 0, "job_timestamp": "", "clip_skip": .integer(request.clipSkip + 1),
      "is_using_inpainting_conditioning": false, "styles": .array([]),
      "extra_generation_params": .object([:]),
      "comments": .array(notes.map(JSONValue.string)),
    ])
  }

  private func progress(skipsPicture: Bool) async throws -> Response {
    let job = await pictures.running
    let state = job?.state
    let count = await pictures.count
    let pictureCount = Double(job?.work.count ?? 1)
    var share = 0.0
    if let state, state.step.count > 0 {
      share =
        (Double(state.picture) + Double(state.step.number) / Double(state.step.count))
        / pictureCount
    }
    let passed = state?.begun.map { (ContinuousClock.now - $0) / .seconds(1) } ?? 0
    let left = share > 0 ? passed / share - passed : 0
    let preview = skipsPicture ? nil : try state?.preview?.base64()
    return Response(
      json: .object([
        "progress": .number(min(share, 1)), "eta_relative": .number(max(0, left)),
        "state": .object([
          "skipped": false, "interrupted": false, "stopping_generation": false,
          "job": .string(job?.id ?? ""), "job_count": .integer(count + (job == nil ? 0 : 1)),
          "job_timestamp": "", "job_no": 0,
          "sampling_step": .integer(state?.step.number ?? 0),
          "sampling_steps": .integer(state?.step.count ?? 0),
        ]),
        "current_image": preview ?? .null, "textinfo": .null,
      ]))
  }
}
