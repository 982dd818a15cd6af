import Lantern
import LanternFormats
import LanternPictures
import LanternPlatform
import LanternServer
import TestSupport
import Testing

/// The Model Context Protocol: what a client gets for what it sends.
@Suite struct MCPServerTests {
  /// What a server of small models writes for some lines.
  private static func answers(_ lines: String...) async throws -> [JSONValue] {
    var configuration = ServerConfiguration()
    configuration.precision = .exact
    configuration.models = [("painter", fixture("tiny_pipeline"))]
    let written = Locked<[String]>([])
    let server = try MCPServer(configuration) { _ in
    } write: { line in
      written { $0.append(line) }
    }
    for line in lines { server.receive(line) }
    await server.finish()
    return try written { $0 }.map { try JSON.parse(text: $0, file: "an answer") }
  }

  private static let meta = #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#

  @Test("a client of older revisions shakes hands, and one of the newest asks what there is")
  func beginning() async throws {
    for (wanted, given) in [("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25")] {
      let old = try await Self.answers(
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(wanted)","capabilities":{}}}"#,
        #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        #"{"jsonrpc":"2.0","id":"p","method":"ping"}"#)
      #expect(old.count == 2)
      let result = old.first?.object?["result"]?.object ?? [:]
      #expect(result["protocolVersion"] == .string(given) && result["resultType"] == nil)
      #expect(result["serverInfo"]?.object?["name"] == "lantern")
      #expect(old.last?.object?["id"] == "p")
    }
    let new = try await Self.answers(
      #"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{\#(Self.meta)}}"#,
      #"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{\#(Self.meta)}}"#)
    let results = new.compactMap { $0.object?["result"]?.object }
    #expect(results.map { $0["resultType"] } == ["complete", "complete"])
    #expect(results[0]["supportedVersions"] == .array(["2026-07-28"]))
    let tools = results[1]["tools"]?.array?.map { $0.object?["name"] }
    #expect(tools == ["image", "story", "caption"])
    let other = try await Self.answers(
      #"{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}}"#
    )
    #expect(other.first?.object?["error"]?.object?["code"] == -32022)
  }

  @Test("a picture is the library's, with its steps on the way")
  func drawing() async throws {
    let answers = try await Self.answers(
      #"{"id":5,"method":"tools/call","params":{"name":"image","arguments":{"prompt":"a fox","steps":3,"seed":7,"model":"painter","size":1},"_meta":{"progressToken":"t"}}}"#
    )
    let steps = answers.filter { $0.object?["method"] == "notifications/progress" }
    #expect(steps.map { $0.object?["params"]?.object?["progress"] } == [1, 2, 3])
    let result = answers.last?.object?["result"]?.object ?? [:]
    #expect(result["isError"] == false)
    let content = result["content"]?.array?.compactMap(\.object) ?? []
    let data = try #require(content.first?["data"]?.string)
    var request = ImageRequest(prompt: "a fox")
    (request.seed, request.steps) = (7, 3)
    let generator = try ImageGenerator(folder: fixture("tiny_pipeline"), precision: .exact)
    let expected = try await generator.image(request).picture
    #expect(try Picture(#require(Base64.decode(data.utf8))) == expected)
    #expect(content.last?["text"] == "without effect: size")
  }

  @Test(
    "what is wrong with a call is for the model to read; what is wrong with a message is an error")
  func errors() async throws {
    let answers = try await Self.answers(
      #"{"id":1,"method":"tools/call","params":{"name":"image","arguments":{}}}"#)
    let result = answers.first?.object?["result"]?.object ?? [:]
    #expect(result["isError"] == true)
    #expect(result["content"]?.array?.first?.object?["text"] == "prompt: it is missing")
    for (line, code) in [
      ("{", -32700), ("[]", -32600), (#"{"id":1}"#, -32600), (#"{"id":1,"method":"x"}"#, -32601),
      (#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#, -32602),
    ] {
      let answers = try await Self.answers(line)
      #expect(answers.first?.object?["error"]?.object?["code"] == .integer(code), "\(line)")
    }
    // Notifications and answers are not answered.
    #expect(try await Self.answers(#"{"method":"x"}"#, #"{"id":1,"result":{}}"#).isEmpty)
  }

  @Test("a cancelled call ends without an answer")
  func cancelling() async throws {
    let answers = try await Self.answers(
      #"{"id":9,"method":"tools/call","params":{"name":"image","arguments":{"prompt":"a fox","steps":1000}}}"#,
      #"{"method":"notifications/cancelled","params":{"requestId":9}}"#)
    #expect(answers.allSatisfy { $0.object?["id"] == nil })
  }
}
