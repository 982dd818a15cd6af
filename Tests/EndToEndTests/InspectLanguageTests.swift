import LanternFormats
import TestSupport
import Testing

/// `lantern inspect` of small random language models.
@Suite struct InspectLanguageTests {
  @Test(
    "what memory a context takes is said, of a GGUF file and of a folder",
    arguments: ["gguf_models/llama.gguf", "language_folders/mistral"])
  func memory(name: String) throws {
    func facts(_ more: [String] = []) throws -> [String: Int] {
      let run = try Program.run(["inspect", fixture(name), "--json"] + more, in: "/")
      #expect(run.code == 0, "\(run.errors)")
      let event = try #require(try run.events().first { $0["event"] == "language" })
      return event.compactMapValues(\.integer)
    }
    let (whole, part) = (try facts(), try facts(["--context", "10"]))
    #expect(whole["tokens"] == 64 && whole["context"] == 64 && part["tokens"] == 10)
    #expect(whole["weight_bytes"] == part["weight_bytes"])
    for found in [whole, part] {
      let parts = ["weight_bytes", "work_bytes", "program_bytes"].map { found[$0] ?? -1 }
      let cache = (found["tokens"] ?? 0) * (found["cache_bytes_per_token"] ?? 0)
      #expect(found["total_bytes"] == parts.reduce(cache, +) && !parts.contains(-1))
    }
    let text = try Program.run(["inspect", fixture(name), "--context", "100"], in: "/")
    #expect(text.output.contains("memory for 100 tokens"), "\(text.output)")
    #expect(text.errors.contains("trained for 64 tokens"))
    #expect(try facts(["--context", "1000000000"])["total_bytes"] ?? 0 > 1_000_000_000)
    for count in ["0", "9223372036854775807"] {
      #expect(try Program.run(["inspect", fixture(name), "--context", count], in: "/").code == 64)
    }
  }
}
