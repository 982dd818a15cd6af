import Lantern
import LanternFormats
import LanternHub

/// Texts that a server writes.
extension WriteCommand {
  /// What a server is not given.
  var unsent: [(name: String, isGiven: Bool)] {
    words.unsent + additions.unsent + [
      ("--trace", trace != nil), ("--library", documents.library != nil),
      ("--parallel", parallel != nil), ("--draft", drafting.draft != nil),
      ("--cache-type", source.cacheType != nil), ("--precision", computing.precision != nil),
      ("--threads", threads.threads != nil),
    ]
  }

  /// Writes on from one prompt or several on a server: the same as here, with the server's model.
  ///
  /// - Parameters:
  ///   - request: how.
  ///   - lines: several prompts; that of the request when nil.
  ///   - address: the server's.
  ///   - console: shows the texts.
  /// - Throws: what the server says, and what is wrong on the way there.
  func write(
    _ request: LanguageRequest, behind lines: [String]?, on address: String, _ console: Console
  ) throws {
    let begin = Console.now
    let model = source.model ?? ""
    console.event([
      "event": "load", "model": .string(model), "seed": JSONValue(request.seed), "seconds": 0,
    ])
    let isOne = lines == nil && count == 1
    let body: [String: JSONValue] = [
      "model": .string(model), "n": .integer(count),
      "prompt": lines.map { .array($0.map(JSONValue.string)) } ?? .string(request.prompt),
    ]
    var results: [Int: LanguageResult] = [:]
    var given = 0
    try remote.run(
      address,
      { connection, yield in
        try await RemoteText.write("/v1/completions", body, request, on: connection, yield: yield)
      },
      onEvent: { (number: Int, event: LanguageEvent) in
        try Interruption.check()
        console.put(event, of: isOne ? nil : number)
        guard case .finished(let result) = event else { return }
        results[number] = result
        guard lines != nil else { return }
        end(result, number, request.seed, Console.now - begin, console)
        while let next = results[given] {
          put(next, number: given, console)
          given += 1
        }
      })
    let all = results.sorted { $0.key < $1.key }.map(\.value)
    guard all.count == (lines?.count ?? count) else {
      throw HubError.noServer(address: address, reason: "it ended before the texts did")
    }
    if lines != nil { return conclude(all, seconds: Console.now - begin, request, console) }
    if isOne, !console.isJSON { Console.put("\n") }
    finish(all, nil, seconds: Console.now - begin, request, console)
  }
}
