import Lantern
import LanternFormats
import LanternPictures
import LanternServer
import NIOHTTP1
import TestSupport
import Testing

/// Pictures over HTTP are those that the library draws.
@Suite struct PictureEndpointTests {
  private static func expected(_ seed: UInt64) async throws -> Picture {
    let generator = try ImageGenerator(folder: fixture("tiny_pipeline"), precision: .exact)
    var request = ImageRequest(prompt: "a fox")
    (request.seed, request.steps, request.negativePrompt) = (seed, 3, "rain")
    return try await generator.image(request).picture
  }

  private static func picture(_ base64: JSONValue?) throws -> Picture {
    let text = try #require(base64?.string)
    return try Picture(#require(Base64.decode(text.utf8)))
  }

  private static let wish: [String: JSONValue] = [
    "prompt": "a fox", "negative_prompt": "rain", "steps": 3, "seed": 7,
  ]

  @Test("OpenAI's pictures: in base64, by address, streamed; several with the next seeds")
  func openAI() async throws {
    let expected = (try await Self.expected(7), try await Self.expected(8))
    try await RunningServer.with { server in
      var body = Self.wish
      (body["n"], body["model"]) = (2, "dall-e-3")
      let answer = try await server.post("/v1/images/generations", .object(body))
      #expect(
        try Self.picture(answer["data", "0", "b64_json"]) == expected.0,
        "\(answer.text.prefix(300))")
      #expect(try Self.picture(answer["data", "1", "b64_json"]) == expected.1)

      body = Self.wish
      body["response_format"] = "url"
      let named = try await server.post("/v1/images/generations", .object(body))
      let url = try #require(named["data", "0", "url"]?.string)
      let path = url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
      #expect(try await Picture(server.get(String(path)).bytes) == expected.0)

      body = Self.wish
      (body["stream"], body["partial_images"]) = (true, 2)
      let events = try await server.post("/v1/images/generations", .object(body)).events
      #expect(events.last?.object?["type"] == "image_generation.completed")
      #expect(try Self.picture(events.last?.object?["b64_json"]) == expected.0)
      #expect(events.first?.object?["type"] == "image_generation.partial_image")
    }
  }

  @Test("webui's pictures with their text, from a picture too; how far one is")
  func webUI() async throws {
    let expected = try await Self.expected(7)
    try await RunningServer.with { server in
      var body = Self.wish
      body["restore_faces"] = true
      let answer = try await server.post("/sdapi/v1/txt2img", .object(body))
      #expect(try Self.picture(answer["images", "0"]) == expected, "\(answer.text.prefix(300))")
      let info = try JSON.parse(text: answer["info"]?.string ?? "", file: "info").object ?? [:]
      #expect(
        info["infotexts"]?.array?.first?.string?.hasPrefix("a fox\nNegative prompt: rain") == true)
      #expect(info["seed"] == 7)
      #expect(info["comments"]?.array?.contains("without effect: restore_faces") == true)
      body["init_images"] = answer["images"] ?? .null
      body["denoising_strength"] = 0.5
      let second = try await server.post("/sdapi/v1/img2img", .object(body))
      #expect(second.status == 200, "\(second.text.prefix(300))")
      #expect(try Self.picture(second["images", "0"]) != expected)
      let progress = try await server.get("/sdapi/v1/progress")
      #expect(progress["progress"]?.double == 0)
      let read = try await server.post(
        "/sdapi/v1/png-info", .object(["image": answer["images", "0"] ?? .null]))
      #expect(read["info"]?.string?.hasPrefix("a fox") == true)
    }
  }

  @Test("a job tells its steps, and its picture stays")
  func jobs() async throws {
    let expected = try await Self.expected(7)
    try await RunningServer.with { server in
      let settings: JSONValue = .object([
        "prompt": "a fox", "negative": "rain", "steps": 3, "seed": "7", "size": "large",
      ])
      let job = try await server.post("/jobs", .object(["settings": settings, "previews": true]))
      #expect(job.status == 202, "\(job.text)")
      #expect(job["notes"] == .array(["without effect: size"]))
      let id = try #require(job["id"]?.string)
      let events = try await server.get("/jobs/\(id)/events").events.compactMap(\.object)
      #expect(events.last?["event"] == "done")
      let picture = try #require(events.first { $0["event"] == "picture" })
      let path = try #require(picture["path"]?.string)
      #expect(try await Picture(server.get(path).bytes) == expected)
      let again = try await server.get("/jobs/\(id)")
      #expect(again["state"] == "done" && again["pictures", "0", "recipe", "prompt"] == "a fox")
      #expect(try await server.get("/jobs/none")["error", "kind"] == "missing")
    }
  }

  @Test("a cancelled job ends, and those behind it are drawn")
  func cancelling() async throws {
    try await RunningServer.with { server in
      func add(_ steps: Int) async throws -> String {
        let settings: JSONValue = .object(["prompt": "a fox", "steps": .integer(steps)])
        let job = try await server.post("/jobs", .object(["settings": settings]))
        return try #require(job["id"]?.string, "\(job.text)")
      }
      let (first, second, third) = (try await add(1000), try await add(2), try await add(2))
      _ = try await server.call(.POST, "/jobs/\(second)/cancel", nil)
      _ = try await server.call(.POST, "/jobs/\(first)/cancel", nil)
      let events = try await server.get("/jobs/\(third)/events").events.compactMap(\.object)
      #expect(events.last?["event"] == "done")
      for id in [first, second] {
        #expect(try await server.get("/jobs/\(id)")["state"] == "cancelled")
      }
    }
  }

  @Test("a job that is removed while it waits or is drawn is gone, and those behind it are drawn")
  func removing() async throws {
    try await RunningServer.with { server in
      func add(_ steps: Int) async throws -> String {
        let settings: JSONValue = .object(["prompt": "a fox", "steps": .integer(steps)])
        let job = try await server.post(
          "/jobs", .object(["settings": settings, "count": .integer(steps > 2 ? 64 : 1)]))
        return try #require(job["id"]?.string, "\(job.text)")
      }
      let (first, second, third) = (try await add(20), try await add(2), try await add(2))
      for id in [second, first] {
        #expect(try await server.call(.DELETE, "/jobs/\(id)", nil).status == 200)
        #expect(try await server.get("/jobs/\(id)").status == 404)
      }
      let events = try await server.get("/jobs/\(third)/events").events.compactMap(\.object)
      #expect(events.last?["event"] == "done")
      for id in [first, second] {
        #expect(try await server.get("/jobs/\(id)").status == 404)
        #expect(try await server.get("/files/\(id)/0.png").status == 404)
      }
      #expect(try await server.get("/jobs")["jobs"]?.array?.count == 1)
    }
  }

  @Test("a field of a form is the text that it is, whatever it looks like")
  func forms() async throws {
    try await RunningServer.with { server in
      let file = try Picture(width: 16, height: 16, pixels: Array(repeating: 90, count: 768)).png()
      func edit(_ fields: [(String, String)]) async throws -> RunningServer.Answer {
        var body: [UInt8] = []
        for (name, value) in fields {
          body += "--X\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
        }
        body +=
          "--X\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".utf8
        body += file + "\r\n--X--\r\n".utf8
        return try await server.call(
          .POST, "/v1/images/edits", body, [("Content-Type", "multipart/form-data; boundary=X")])
      }
      for prompt in ["0", "true", "1e3", "a fox"] {
        let answer = try await edit([
          ("prompt", prompt), ("steps", "2"), ("strength", "0.5"), ("stream", "false"),
          ("seed", "18446744073709551615"), ("size", "16x16"), ("partial_images", "0"),
        ])
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["data", "0", "seed"] == JSONValue(UInt64.max))
        #expect(!answer.text.contains("without effect"), "\(answer.text)")
      }
      for (name, value) in [("steps", "two"), ("strength", "2"), ("partial_images", "4")] {
        let answer = try await edit([("prompt", "x"), (name, value)])
        #expect(answer.status == 400 && answer["error", "param"] == .string(name))
      }
    }
  }

  @Test("a story's words and pages come as they are made, and stay")
  func story() async throws {
    let generator = try StoryGenerator(
      folder: repositoryPath("weights/storyteller"), precision: .exact)
    var request = StoryRequest(prompt: "a story about a red fox")
    (request.seed, request.pages, request.imageSteps) = (7, 2, 2)
    let book = try await generator.story(request)
    try await RunningServer.with({
      $0.models.append(("teller", repositoryPath("weights/storyteller")))
    }) {
      server in
      let settings: JSONValue = .object([
        "prompt": "a story about a red fox", "seed": "7", "pages": 2, "image_steps": 2, "size": 1,
      ])
      let job = try await server.post(
        "/jobs", .object(["kind": "story", "model": "teller", "settings": settings]))
      #expect(job.status == 202, "\(job.text)")
      #expect(job["notes"] == .array(["without effect: settings.size"]))
      let id = try #require(job["id"]?.string)
      let events = try await server.get("/jobs/\(id)/events").events.compactMap(\.object)
      #expect(events.last?["event"] == "done")
      for (index, page) in book.pages.enumerated() {
        let words = events.filter { $0["event"] == "text" && $0["page"] == .integer(index + 1) }
        #expect(words.compactMap { $0["text"]?.string }.joined() == page.text)
        let picture = try await server.get("/files/\(id)/\(index).png")
        #expect(try Picture(picture.bytes).pixels == page.picture.pixels)
      }
      let kept = try await server.get("/jobs/\(id)")
      #expect(kept["kind"] == "story" && kept["pictures", "1", "text"] != nil)
      let texts = kept["pictures"]?.array?.map { $0.object?["text"]?.string }
      #expect(texts == book.pages.map(\.text))
      let none = try await server.post(
        "/jobs", .object(["kind": "story", "settings": .object([:])]))
      #expect(none.status == 400 && none.text.contains("settings.prompt"))
    }
  }
}
