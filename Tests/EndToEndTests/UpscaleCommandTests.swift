import Foundation
import LanternFormats
import LanternPictures
import TestSupport
import Testing

@Suite("lantern upscale")
struct UpscaleCommandTests {
  private static let network = fixture("upscalers/compact_x4.pth")

  /// Runs `lantern upscale` in a folder that holds `in.png`, half transparent where wanted.
  private func upscale(
    _ arguments: [String], in folder: String, alpha: [UInt8]? = nil, width: Int = 80
  ) throws -> Program.Run {
    let pixels = (0..<width * 70 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let picture = try PictureWithAlpha(
      Picture(width: width, height: 70, pixels: pixels), alpha: alpha)
    _ = try picture.write(
      to: "\(folder)/in.png", metadata: ["parameters": "a fox"], replacing: true)
    return try Program.run(["upscale"] + arguments, in: folder)
  }

  @Test("a picture becomes four times as large, with its texts and its transparency")
  func enlarging() throws {
    try withTemporaryFolder { folder in
      let alpha = (0..<80 * 70).map { UInt8($0 % 80 < 40 ? 255 : 0) }
      let run = try upscale(
        ["in.png", "out.png", "-m", Self.network], in: folder, alpha: alpha)
      #expect(run.code == 0 && run.output == "out.png\n", "\(run.errors)")
      let enlarged = try PictureWithAlpha(contentsOf: "\(folder)/out.png")
      #expect(enlarged.colours.width == 320 && enlarged.colours.height == 280)
      #expect(enlarged.alpha?.count == 320 * 280)
      #expect(try PictureMetadata(contentsOf: "\(folder)/out.png")["parameters"] == "a fox")
    }
  }

  @Test("neither the picture nor the network is replaced, by whatever name")
  func originals() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(atPath: Self.network, toPath: "\(folder)/net.png")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/link.png", withDestinationPath: "in.png")
      for output in ["in.png", "./in.png", "link.png", "./net.png"] {
        let run = try upscale(["in.png", output, "-m", "net.png"], in: folder)
        expectError(run, code: 64, ["would be replaced"])
      }
      #expect(try Picture(contentsOf: "\(folder)/in.png").width == 80)
    }
  }

  @Test("programs get an event for each tile, of colours and of transparency")
  func events() throws {
    try withTemporaryFolder { folder in
      let alpha = [UInt8](repeating: 100, count: 80 * 70)
      let run = try upscale(
        ["in.png", "out.jpg", "-m", Self.network, "--json", "--tile", "64"], in: folder,
        alpha: alpha)
      #expect(run.code == 0, "\(run.errors)")
      let events = try run.events()
      let kinds = events.compactMap { $0["event"]?.string }
      #expect(kinds.first == "load" && kinds.last == "picture")
      #expect(kinds.count { $0 == "tile" } == 2 * 4)
      #expect(events.first?["architecture"]?.string == "SRVGGNetCompact")
      #expect(events.last?["width"]?.integer == 320)
      let notes = events.compactMap { $0["text"]?.string }
      #expect(notes.contains { $0.contains("use .png") })
    }
  }

  @Test("what has no effect is noted, what makes no sense is refused before work begins")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      let large = try upscale(
        ["in.png", "out.png", "-m", Self.network, "--tile", "128"], in: folder)
      #expect(large.code == 0 && large.errors.contains("note: --tile 128 has no effect"))
      for (arguments, code, word) in [
        (["in.png", "out.png"], 64, "--model FILE"),
        (["in.png", "in.png", "-m", Self.network], 64, "another name"),
        (["in.png", "out.png", "-m", Self.network, "--tile", "100"], 64, "multiple of 8"),
        (["in.png", "out.gif", "-m", Self.network], 64, ".png"),
        (["none.png", "out.png", "-m", Self.network], 66, "none.png"),
        (["in.png", "out.png", "-m", "none.pth"], 66, "none.pth"),
        (["in.png", "out.png", "-m", fixture("float8.safetensors")], 65, "RRDBNet"),
      ] as [([String], Int32, String)] {
        expectError(try upscale(arguments, in: folder), code: code, [word])
      }
    }
  }
}
