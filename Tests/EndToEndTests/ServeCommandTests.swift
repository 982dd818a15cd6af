import Foundation
import Testing

/// `lantern serve`, from its start to its end.
@Suite struct ServeCommandTests {
  @Test("it says where it listens, and a signal ends it in order", arguments: [SIGINT, SIGTERM])
  func ends(_ signal: Int32) throws {
    let run = try Program.run(
      ["serve", "--port", "0", "--json"], in: "/", interruptedAt: "listening", signal: signal)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("\"host\":\"127.0.0.1\""))
  }

  @Test("other machines need a token, and a model must be there")
  func refusals() throws {
    let open = try Program.run(["serve", "--host", "0.0.0.0", "--port", "0"], in: "/")
    expectError(open, code: 64, ["0.0.0.0", "--token"])
    let missing = try Program.run(["serve", "x=none.gguf", "--port", "0"], in: "/")
    expectError(missing, code: 66, ["none.gguf"])
  }
}
