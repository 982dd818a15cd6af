import AsyncHTTPClient
import Lantern
import LanternFormats
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
