import Foundation
import TestSupport
import Testing

/// `lantern serve`, from its start to its end.
@Suite struct ServeCommandTests {
  @Test("it says where it listens, and a signal ends it in order", arguments: [SIGINT, SIGTERM])
  func ends(_ signal: Int32) throws {
    let run = try Program.run(
      ["serve", "--port", "0", "--json", "--store", "none"], in: "/", interruptedAt: "listening",
      signal: signal)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("\"host\":\"127.0.0.1\""))
  }

  @Test("other machines need a token, and a model must be there")
  func refusals() throws {
    let open = try Program.run(["serve", "--host", "0.0.0.0", "--port", "0"], in: "/")
    expectError(open, code: 64, ["0.0.0.0", "--token"])
    let missing = try Program.run(
      ["serve", "x=none.gguf", "--port", "0", "--store", "none"], in: "/")
    expectError(missing, code: 66, ["none.gguf"])
    let half = try Program.run(["serve", "--port", "0", "--tls-key", "key.pem"], in: "/")
    expectError(half, code: 64, ["--tls-certificate"])
  }

  @Test("a settings file has the options by their names, and the command line counts more")
  func settings() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/serve.json"
      func run(_ text: String, _ more: [String] = [], until: String? = nil) throws -> Program.Run {
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return try Program.run(
          ["serve", "--settings", file] + more, in: folder, interruptedAt: until,
          signal: SIGTERM)
      }
      let all = #"{"port": 99999, "host": "127.0.0.1", "store": "none", "queue": 3}"#
      let done = try run(
        all.replacing("99999", with: "1"), ["--port", "0", "--json"], until: "listening")
      #expect(done.code == 0, "\(done.errors)")
      expectError(try run(all), code: 64, ["port 99999"])
      expectError(try run(#"{"prot": 1}"#), code: 64, ["serve.json", "--prot"])
      expectError(try run(#"{"port": {}}"#), code: 64, ["serve.json", "port"])
      expectError(try run("[]"), code: 64, ["serve.json"])
      expectError(try run("{"), code: 65, ["serve.json"])
    }
  }
}
