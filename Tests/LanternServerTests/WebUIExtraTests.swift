import Foundation
import Lantern
import LanternFormats
import LanternHub
import LanternPictures
import LanternServer
import TestSupport
import Testing

/// What webui's clients do with files of the server's folders, and models that are fetched.
@Suite struct WebUIExtraTests {
  private static func picture(_ base64: JSONValue?) throws -> Picture {
    let text = try #require(base64?.string)
    return try Picture(#require(Base64.decode(text.utf8)))
  }

  private static func base64(_ picture: Picture) throws -> JSONValue {
    .string(Base64.encode(try picture.png()))
  }

  /// A small picture with edges.
  private static let small = try? Picture(
    width: 24, height: 16,
    pixels: (0..<24 * 16).flatMap { index in
      let isBright = index % 24 > 11 && index / 24 > 7
      return [isBright ? 250 : 20, UInt8(index % 24), 90]
    })

  @Test("pictures are enlarged by the networks of a folder, and by a window to any size")
  func enlarging() async throws {
    let small = try #require(Self.small)
    let file = fixture("upscalers/compact_x2.safetensors")
    let upscaler = try Upscaler(file: file, precision: .exact)
    let twice = try await upscaler.upscaled(small)
    try await RunningServer.with({ $0.addOnFolders[.upscaler] = fixture("upscalers") }) { server in
      let names = try await server.get("/sdapi/v1/upscalers").json.array ?? []
      #expect(names.contains { $0.object?["name"] == "compact_x2" })
      var body: [String: JSONValue] = [
        "image": try Self.base64(small), "upscaler_1": "compact_x2", "upscaling_resize": 2,
        "gfpgan_visibility": 0, "codeformer_weight": 0,
      ]
      let one = try await server.post("/sdapi/v1/extra-single-image", .object(body))
      #expect(try Self.picture(one["image"]) == twice, "\(one.text.prefix(300))")
      (body["upscaling_resize"], body["upscaler_1"]) = (3, "None")
      let plain = try await server.post("/sdapi/v1/extra-single-image", .object(body))
      #expect(try Self.picture(plain["image"]) == small.resized(width: 72, height: 48))
      // To a size: as large as covers it, and the middle of that.
      let crop: JSONValue = .object([
        "imageList": .array([.object(["data": try Self.base64(small), "name": "a.png"])]),
        "resize_mode": 1, "upscaling_resize_w": 32, "upscaling_resize_h": 32,
        "upscaler_1": "compact_x2",
      ])
      let batch = try await server.post("/sdapi/v1/extra-batch-images", crop)
      #expect(
        try Self.picture(batch["images", "0"])
          == twice.cropped(rows: 0..<32, columns: 8..<40), "\(batch.text.prefix(300))")
      body["upscaler_1"] = "../secret"
      let none = try await server.post("/sdapi/v1/extra-single-image", .object(body))
      #expect(none.status == 404 && none["detail"]?.string?.contains("compact_x2") == true)
      (body["upscaler_1"], body["gfpgan_visibility"]) = ("None", 0.5)
      let faces = try await server.post("/sdapi/v1/extra-single-image", .object(body))
      #expect(faces.status == 400, "\(faces.text.prefix(300))")
      // A path of the server's is none of its networks.
      let hires = try await server.post(
        "/sdapi/v1/txt2img",
        .object(["prompt": "a fox", "steps": 1, "enable_hr": true, "hr_upscaler": .string(file)]))
      #expect(hires.status == 404, "\(hires.text.prefix(300))")
      let job = try await server.post(
        "/jobs",
        .object([
          "kind": "upscale", "model": "compact_x2", "picture": try Self.base64(small), "tile": 64,
        ]))
      let id = try #require(job["id"]?.string, "\(job.text)")
      let events = try await server.get("/jobs/\(id)/events").events.compactMap(\.object)
      #expect(events.last?["event"] == "done" && job["kind"] == "upscale")
      #expect(try await Picture(server.get("/files/\(id)/0.png").bytes) == twice)
    }
  }

  @Test("a unit of ControlNet is the control of a request; edges are those of Canny's detector")
  func controls() async throws {
    let photo = try Picture(contentsOf: repositoryPath("samples/fox.png"))
    let generator = try ImageGenerator(folder: fixture("tiny_pipeline"), precision: .exact)
    var request = ImageRequest(prompt: "a fox")
    (request.seed, request.steps, request.width, request.height) = (7, 3, 64, 64)
    var control = Control(network: fixture("tiny_control/first"), picture: photo)
    (control.preprocessor, control.strength, control.end) = (.canny, 0.5, 0.9)
    request.controls = [control]
    let expected = try await generator.image(request).picture
    try await RunningServer.with({ $0.addOnFolders[.control] = fixture("tiny_control") }) {
      server in
      let list = try await server.get("/controlnet/model_list")
      #expect(list["model_list"]?.array?.contains("first") == true, "\(list.text)")
      func drawn(_ change: [String: JSONValue] = [:]) async throws -> RunningServer.Answer {
        let unit: [String: JSONValue] = [
          "model": "first", "module": "canny", "image": try Self.base64(photo), "weight": 0.5,
          "guidance_start": 0, "guidance_end": 0.9, "control_mode": "Balanced", "mask": .null,
          "pixel_perfect": true, "threshold_a": -1, "threshold_b": -1, "enabled": true,
          "processor_res": 512, "hr_option": "Both", "low_vram": false,
          "resize_mode": "Just Resize",
        ]
        return try await server.post(
          "/sdapi/v1/txt2img",
          .object([
            "prompt": "a fox", "seed": 7, "steps": 3, "width": 64, "height": 64,
            "alwayson_scripts": .object([
              "ControlNet": .object(["args": .array([.object(unit.merging(change) { $1 })])])
            ]),
          ]))
      }
      let answer = try await drawn()
      #expect(try Self.picture(answer["images", "0"]) == expected, "\(answer.text.prefix(300))")
      let info = try JSON.parse(text: answer["info"]?.string ?? "", file: "info").object
      let comments = (info?["comments"]?.array ?? []).compactMap(\.string)
      #expect(!comments.contains { $0.hasPrefix("without effect") }, "\(comments)")
      let off = try await drawn(["enabled": false])
      #expect(try Self.picture(off["images", "0"]) != expected)
      for change in [
        ["model": "second-best"], ["module": "depth"],
        ["control_mode": "My prompt is more important"],
        ["mask": "aaaa"],
      ] as [[String: JSONValue]] {
        let refused = try await drawn(change)
        #expect(
          refused.status == (change["model"] == nil ? 400 : 404),
          "\(change): \(refused.text.prefix(200))")
      }
      let edges = try await server.post(
        "/controlnet/detect",
        .object([
          "controlnet_module": "canny", "controlnet_images": .array([try Self.base64(photo)]),
          "controlnet_processor_res": .integer(min(photo.width, photo.height)),
          "controlnet_threshold_a": 50, "controlnet_threshold_b": 120,
        ]))
      #expect(try Self.picture(edges["images", "0"]) == photo.cannyEdges(low: 50, high: 120))
    }
  }

  @Test("a LoRA that a prompt names is added, and without a folder none is")
  func loras() async throws {
    let lora = LoRA(fixture("lora/kohya.safetensors"), strength: 0.8)
    var request = ImageRequest(prompt: "a fox")
    (request.seed, request.steps) = (7, 2)
    let generator = try ImageGenerator(
      folder: fixture("tiny_pipeline"), adding: [lora], precision: .exact)
    let expected = try await generator.image(request).picture
    try await RunningServer.with({ $0.addOnFolders[.lora] = fixture("lora") }) { server in
      let list = try await server.get("/sdapi/v1/loras").json.array ?? []
      #expect(list.contains { $0.object?["name"] == "kohya" })
      let body: [String: JSONValue] = ["prompt": "a fox <lora:kohya:0.8>", "seed": 7, "steps": 2]
      let answer = try await server.post("/sdapi/v1/txt2img", .object(body))
      #expect(try Self.picture(answer["images", "0"]) == expected, "\(answer.text.prefix(300))")
      let missing = try await server.post(
        "/sdapi/v1/txt2img", .object(["prompt": "a fox <lora:none:1>", "steps": 1]))
      #expect(missing.status == 404, "\(missing.text.prefix(300))")
    }
  }

  @Test("a model is fetched by its name, with progress, and served by it; addresses are refused")
  func pulling() async throws {
    let folder = fixture("language_folders/llama")
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      files[name] = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }
    let hub = try await FakeHub(FakeHub.Repository(files: files))
    try await withTemporaryFolder { (home: String) async throws in
      let settings = try hub.settings(home)
      try await RunningServer.with({ $0.hub = settings }) { server in
        let text: JSONValue = .object(["model": "me/tiny", "prompt": "the fox", "max_tokens": 2])
        #expect(try await server.post("/v1/completions", text).status == 404)
        for name in ["https://huggingface.co/me/tiny", "tiny", "../me/tiny", "me/tiny:../x", ""] {
          let refused = try await server.post("/models/pull", .object(["model": .string(name)]))
          #expect(refused.status == 400, "\(name): \(refused.text)")
        }
        let job = try await server.post("/models/pull", .object(["model": "me/tiny"]))
        let id = try #require(job["id"]?.string, "\(job.text)")
        #expect(job.status == 202 && job["kind"] == "pull")
        let events = try await server.get("/jobs/\(id)/events").events.compactMap(\.object)
        #expect(events.last?["event"] == "done", "\(events)")
        #expect(try await server.post("/v1/completions", text).status == 200)
        let missing = try await server.post("/models/pull", .object(["model": "me/none"]))
        let other = try await server.get("/jobs/\(missing["id"]?.string ?? "")/events")
        let error = other.events.last?.object
        #expect(error?["event"] == "error" && error?["kind"] == "missing", "\(other.text)")
      }
    }
    try await hub.stop()
    try await RunningServer.with { server in
      let refused = try await server.post("/models/pull", .object(["model": "me/tiny"]))
      #expect(refused.status == 400)
    }
  }
}
