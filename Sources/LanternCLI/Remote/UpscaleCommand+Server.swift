import Lantern
import LanternFormats
import LanternHub
import LanternPictures
import LanternPlatform

/// Pictures that a server enlarges.
extension UpscaleCommand {
  /// Enlarges a picture, or its alpha channel, on a server: the same as here, with the server's network.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - address: the server's.
  ///   - console: shows tiles.
  /// - Returns: the larger picture.
  /// - Throws: what the server says, and what is wrong on the way there.
  func enlarge(_ picture: Picture, on address: String, _ console: Console) throws -> Picture {
    let body: [String: JSONValue] = [
      "kind": "upscale", "picture": .string(Base64.encode(try picture.png())),
      "model": .string(model ?? ""), "tile": .integer(tile ?? Upscaler.standardTile),
    ]
    let begin = Console.now
    let bar = Locked(ProgressBar(console))
    defer { bar { $0.end() } }
    let enlarged = try remote.run(address) { connection in
      var enlarged: Picture?
      try await RemoteJob.run(body, on: connection) { name, fields in
        switch name {
        case "note": console.note(fields["message"]?.string ?? "")
        case "step":
          let (tile, count) = (fields["step"]?.integer ?? 0, fields["of"]?.integer ?? 0)
          bar { $0.show(tile, of: count, "tile") }
          console.event([
            "event": "tile", "tile": .integer(tile), "of": .integer(count),
            "seconds": .number(Console.now - begin),
          ])
        case "picture": enlarged = try await RemoteJob.picture(fields, on: connection)
        default: break
        }
      }
      return enlarged
    }
    guard let enlarged else {
      throw HubError.noServer(address: address, reason: "it sent no picture")
    }
    return enlarged
  }
}
