import ArgumentParser
import Lantern
import LanternFormats
import LanternHub
import LanternPictures
import LanternPlatform

/// Pictures that a server draws.
extension ImageCommand {
  /// What a server is not given: files of this machine but pictures, and how it computes. LoRAs, embeddings, ControlNets
  /// and IP-Adapters are named, and are the server's.
  var unsent: [(name: String, isGiven: Bool)] {
    [
      ("--trace", results.trace != nil), ("--animate", results.animate != nil),
      ("--fast", stepping.fast), ("--refiner", refiner != nil),
      ("--lora-folder", loraFolder.path != nil),
      ("--tiny-decoder", decoding.tinyDecoder != nil), ("--vae", partOptions.vae != nil),
      ("--text-encoder", partOptions.textEncoder != nil),
      ("--text-encoder-2", partOptions.textEncoder2 != nil),
      ("--text-encoder-3", partOptions.textEncoder3 != nil),
      ("--tokenizer", partOptions.tokenizer != nil), ("--variant", modelOptions.variant != nil),
      ("--prediction", predicting.prediction != nil), ("--precision", computing.precision != nil),
      ("--threads", threads.threads != nil), ("--embedding-folder", library.path != nil),
      ("--cache-prompts", words.promptCache != nil),
      ("--preview-method", results.previewMethod != nil),
    ]
  }

  /// Draws one picture on a server: the same as here, with the server's model.
  ///
  /// - Parameters:
  ///   - request: the picture's.
  ///   - loras: what is added to the model's weights, by the names that the server has.
  ///   - address: the server's.
  ///   - console: shows steps.
  /// - Returns: the picture.
  /// - Throws: what the server says, and what is wrong on the way there.
  func draw(
    _ request: ImageRequest, _ loras: [LoRA], on address: String, _ console: Console
  ) throws -> Drawn {
    var body = try RemoteJob.body(of: request)
    body["previews"] = .bool(results.preview != nil)
    body["model"] = modelOptions.model.map(JSONValue.string)
    if !loras.isEmpty { body["loras"] = .array(loras.map { .string($0.label) }) }
    let begin = Console.now
    let bar = Locked(ProgressBar(console))
    defer { bar { $0.end() } }
    let (preview, interval, wanted) = (results.preview, results.interval, body)
    let drawn = try remote.run(address) { connection in
      var drawn: Drawn?
      var notes: [String] = []
      try await RemoteJob.run(wanted, on: connection) { name, fields in
        let step = fields["step"]?.integer ?? 0
        switch name {
        case "note": notes += fields["message"]?.string.map { [$0] } ?? []
        case "waiting" where fields["ahead"]?.integer ?? 0 > 0:
          console.detail("\(fields["ahead"]?.integer ?? 0) jobs are before it")
        case "step":
          let count = fields["of"]?.integer ?? 0
          bar { $0.show(step, of: count) }
          console.event([
            "event": "step", "step": .integer(step), "of": .integer(count),
            "seconds": .number(Console.now - begin),
          ])
          if let preview, step % interval == 0 {
            try RemoteJob.preview(fields)?.write(to: preview)
          }
        case "picture":
          drawn = Drawn(
            picture: try await RemoteJob.picture(fields, on: connection),
            recipe: fields["recipe"] ?? .null, notes: notes + RemoteJob.notes(fields))
        default: break
        }
      }
      return drawn
    }
    guard let drawn else {
      throw HubError.noServer(address: address, reason: "it sent no picture")
    }
    console.detail("drawn by \(address) in \(rounded(Console.now - begin)) s")
    return drawn
  }
}
