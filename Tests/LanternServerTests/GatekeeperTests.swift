import AsyncHTTPClient
import Lantern
import LanternFormats
import LanternPictures
import LanternPlatform
import LanternServer
import NIOCore
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

/// Who may call, and what errors say.
@Suite struct GatekeeperTests {
  @Test("without the token nothing but the page and the health is told")
  func token() async throws {
    try await RunningServer.with({ $0.token = "secret" }) { server in
      #expect(try await server.get("/health").status == 200)
      #expect(try await server.get("/").status == 200)
      for header in ["", "Bearer", "Bearer wrong", "Bearer secret2", "secret"] {
        let answer = try await server.get("/v1/models", [("Authorization", header)])
        #expect(answer.status == 401 && answer["error", "type"] == "authentication_error")
      }
      #expect(
        try await server.get("/v1/models", [("Authorization", "Bearer secret")]).status == 200)
    }
  }

  @Test("pages of other origins, and names that only lead here, are refused")
  func origins() async throws {
    try await RunningServer.with({ $0.origins = ["http://friend.example"] }) { server in
      let own = "http://127.0.0.1:\(server.port)"
      #expect(try await server.get("/v1/models", [("Origin", own)]).status == 200)
      let friend = try await server.get("/v1/models", [("Origin", "http://friend.example")])
      #expect(
        friend.headers.first(name: "access-control-allow-origin") == "http://friend.example")
      for origin in ["http://other.example", "null", "http://127.0.0.1"] {
        #expect(try await server.get("/v1/models", [("Origin", origin)]).status == 403)
      }
      #expect(try await server.get("/v1/models", [("Host", "evil.example")]).status == 403)
    }
  }

  @Test("errors have the form of their API, and say what and where")
  func errors() async throws {
    try await RunningServer.with({ $0.bodyLimit = 100_000 }) { server in
      let model = try await server.post(
        "/v1/chat/completions", .object(["model": "none", "messages": .array([])]))
      #expect(model.status == 404 && model["error", "code"] == "model_not_found")
      let kind = try await server.post(
        "/v1/chat/completions", .object(["model": "painter", "messages": .array([])]))
      #expect(kind.status == 400, "\(kind.text)")
      let field = try await server.post(
        "/v1/completions", .object(["prompt": "x", "temperature": "hot"]))
      #expect(field.status == 400 && field["error", "param"] == "temperature", "\(field.text)")
      let size = try await server.post(
        "/v1/images/generations", .object(["prompt": "x", "size": "12x"]))
      #expect(size.status == 400 && size["error", "param"] == "size")
      let unit = try await server.post(
        "/sdapi/v1/txt2img", .object(["prompt": "x", "width": 13, "height": 16]))
      #expect(unit.status == 400 && unit["detail"]?.string?.contains("width 13") == true)
      #expect(try await server.get("/api/none")["error"]?.string?.contains("/api/none") == true)
      for (body, status) in [("{", 400), ("", 400), ("[1]", 400)] {
        let answer = try await server.call(.POST, "/v1/completions", Array(body.utf8))
        #expect(answer.status == status, "\(answer.text)")
      }
      let large = try await server.call(
        .POST, "/v1/completions", Array(repeating: 32, count: 100_001))
      #expect(large.status == 413)
      let address = try await server.post(
        "/sdapi/v1/img2img", .object(["init_images": .array(["http://127.0.0.1/x.png"])]))
      #expect(address.status == 400 && address["detail"]?.string?.contains("not fetched") == true)
      let tools = try await server.post(
        "/v1/chat/completions",
        .object(["messages": .array([.object(["role": "user"])]), "tools": .array([1])]))
      #expect(tools.status == 400 && tools["error", "param"] == "tools[0]", "\(tools.text)")
    }
  }

  @Test("a method that a path does not take is told, with those that it takes, in its API's form")
  func methods() async throws {
    try await RunningServer.with { server in
      let cases: [(HTTPMethod, String, String)] = [
        (.GET, "/v1/completions", "POST"), (.POST, "/v1/models/writer", "GET"),
        (.TRACE, "/sdapi/v1/options", "GET, POST"), (.PUT, "/api/chat", "POST"),
        (.PATCH, "/jobs/none", "DELETE, GET"), (.DELETE, "/jobs", "GET, POST"),
        (.DELETE, "/files/a/0.png", "GET"), (.OPTIONS, "/health", "GET"), (.POST, "/", "GET"),
      ]
      for (method, path, allowed) in cases {
        let answer = try await server.call(method, path, nil)
        #expect(answer.status == 405, "\(method) \(path): \(answer.text)")
        #expect(answer.headers.first(name: "allow") == allowed, "\(method) \(path)")
        let text = answer["detail"] ?? answer["error", "message"] ?? answer["error"]
        #expect(text?.string == "\(path) does not take \(method); it takes \(allowed)")
      }
      #expect(try await server.call(.PUT, "/jobs/none/nothing", nil).status == 404)
      #expect(try await server.call(.PUT, "/v2", nil).status == 404)
    }
  }

  @Test("what is named and is not there is missing; a field without effect is checked too")
  func names() async throws {
    try await RunningServer.with { server in
      let png = try Picture(width: 8, height: 8, pixels: Array(repeating: 9, count: 192)).png()
      let picture = JSONValue.string(Base64.encode(png))
      let upscaler = try await server.post(
        "/sdapi/v1/extra-single-image", .object(["image": picture, "upscaler_1": "none there"]))
      #expect(upscaler.status == 404, "\(upscaler.text)")
      let idle: [(String, [String: JSONValue])] = [
        ("/v1/images/generations", ["prompt": "x", "partial_images": 4]),
        ("/sdapi/v1/extra-single-image", ["image": picture, "extras_upscaler_2_visibility": 2]),
        ("/sdapi/v1/img2img", ["init_images": .array([picture]), "inpainting_mask_invert": 7]),
        ("/v1/completions", ["prompt": "x", "stream_options": 1]),
      ]
      for (path, body) in idle {
        let answer = try await server.post(path, .object(body))
        #expect(answer.status == 400, "\(path): \(answer.text)")
      }
      let slight = try await server.post(
        "/sdapi/v1/img2img",
        .object([
          "init_images": .array([picture]), "steps": 1, "denoising_strength": 0.001, "width": 16,
          "height": 16, "seed": 1,
        ]))
      #expect(slight.status == 200, "\(slight.text)")
      let query = try await server.get("/sdapi/v1/progress?skip_current_image=perhaps")
      #expect(query.status == 400, "\(query.text)")
    }
  }

  @Test("as many pictures wait as may, and the next is refused")
  func queue() async throws {
    try await RunningServer.with({ $0.queueLimit = 1 }) { server in
      func add() async throws -> RunningServer.Answer {
        let settings: JSONValue = .object(["prompt": "a fox", "steps": 1000])
        return try await server.post("/jobs", .object(["settings": settings]))
      }
      _ = try await add()
      _ = try await add()
      let third = try await add()
      #expect(third.status == 429, "\(third.text)")
      #expect(third.headers.first(name: "retry-after") != nil)
    }
  }

  @Test("a model that does not fit is refused before it is loaded")
  func memory() async throws {
    try await RunningServer.with({ $0.memoryLimit = 1 }) { server in
      let answer = try await server.post("/v1/completions", .object(["prompt": "x"]))
      #expect(answer.status == 503 && answer.text.contains("takes about"))
    }
  }

  @Test("a server whose port is taken, or whose model is not there, says so")
  func starting() async throws {
    try await RunningServer.with { server in
      var configuration = ServerConfiguration()
      configuration.port = server.port
      let second = try Server(configuration) { _ in }
      await #expect(throws: ServerError.self) {
        try await second.run(stopsBySignals: false) { _ in }
      }
    }
    var configuration = ServerConfiguration()
    configuration.models = [("x", "/nowhere/model.gguf")]
    #expect(throws: FormatError.self) { _ = try Server(configuration) { _ in } }
  }

  @Test("the description names every endpoint that answers")
  func description() async throws {
    try await RunningServer.with { server in
      let description = try await server.get("/openapi.json")
      let paths = try #require(description["paths"]?.object)
      #expect(description["info", "version"] == .string(LanternVersion.number))
      // Null stands for a field that is not there, but for one that must be.
      let body = try #require(
        paths["/sdapi/v1/img2img"]?.object?["post"]?.object?["requestBody"]?.object?["content"]?
          .object?["application/json"]?.object?["schema"]?.object?["properties"]?.object)
      #expect(body["scheduler"]?.object?["enum"]?.array?.last == .null)
      #expect(body["scheduler"]?.object?["enum"]?.array?.contains("karras") == true)
      #expect(body["steps"]?.object?["type"] == .array(["integer", "null"]))
      #expect(body["init_images"]?.object?["type"] == "array")
      for (path, operations) in paths {
        for method in operations.object?.keys.sorted() ?? [] {
          let place = path.replacing(/\{\w+\}/, with: "none")
          let body: [UInt8]? = method == "post" ? Array("[]".utf8) : nil
          let answer = try await server.call(
            HTTPMethod(rawValue: method.uppercased()), place, body)
          #expect(!answer.text.contains("no endpoint"), "\(method) \(path): \(answer.text)")
        }
      }
    }
  }

  @Test("behind TLS calls are answered, and without it they are not")
  func encrypted() async throws {
    let files = (fixture("tls/certificate.pem"), fixture("tls/key.pem"))
    try await RunningServer.with({ $0.certificate = files }) { server in
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.trustRoots = .file(files.0)
      let client = HTTPClient(configuration: .init(tlsConfiguration: tls))
      let answer = try await client.get(url: "https://localhost:\(server.port)/health").get()
      #expect(answer.status == .ok)
      try await client.shutdown()
      await #expect(throws: (any Error).self) { try await server.get("/health") }
    }
    for files in [(files.1, files.0), (files.0, files.0), (files.0, "none.pem")] {
      var configuration = ServerConfiguration()
      (configuration.port, configuration.certificate) = (0, files)
      let server = try Server(configuration) { _ in }
      await #expect(throws: (any Error).self) {
        try await server.run(stopsBySignals: false) { _ in }
      }
    }
  }
}
