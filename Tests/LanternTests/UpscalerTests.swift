import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Pictures enlarged tile by tile; tools/fixtures/upscalers.py makes the networks.
@Suite struct UpscalerTests {
  /// Soft colours with edges and grain.
  static func photo(_ width: Int, _ height: Int) throws -> Picture {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let isInside = (x / 9 + y / 7) % 2 == 0
        pixels += [
          UInt8((x * 3) % 256), UInt8((y * 5 + x) % 256),
          UInt8(truncatingIfNeeded: isInside ? 40 + (x * y) % 50 : 200),
        ]
      }
    }
    return try Picture(width: width, height: height, pixels: pixels)
  }

  @Test(
    "a picture of many tiles is that of one: to a unit for a network that looks no further than the overlap",
    arguments: [("compact_x4.pth", 1), ("rrdb_x2.pth", 2), ("rrdb_x1.pth", 2)])
  func tiles(file: String, most: Int) throws {
    let upscaler = try Upscaler(file: fixture("upscalers/\(file)"), precision: .exact)
    let picture = try Self.photo(205, 141)
    let tiles = upscaler.tileCount(picture, tile: 64)
    #expect(tiles >= 5 * 3)
    var calls = 0
    let tiled = try upscaler.upscale(picture, tile: 64) { number, count in
      calls += 1
      #expect(number == calls && count == tiles)
    }
    #expect(calls == tiles)
    let whole = try upscaler.upscale(picture, tile: 256)
    #expect(tiled.width == 205 * upscaler.scale && tiled.height == 141 * upscaler.scale)
    #expect(whole.width == tiled.width && whole.height == tiled.height)
    let worst = zip(tiled.pixels, whole.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= most, "\(file): \(worst)/255")
  }

  @Test(
    "any size is covered by tiles, a narrow picture too", arguments: [4, 63, 64, 65, 100, 104, 105])
  func sizes(side: Int) throws {
    let upscaler = try Upscaler(file: fixture("upscalers/compact_x2.safetensors"))
    let picture = try Self.photo(side, 5)
    let (tiled, whole) = (
      try upscaler.upscale(picture, tile: 64), try upscaler.upscale(picture, tile: 128)
    )
    let worst = zip(tiled.pixels, whole.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(tiled.width == 2 * side && tiled.height == 10 && worst <= 1)
  }

  @Test("a task enlarges with one call, the texts of the picture stay, and a cancelled one stops")
  func tasks() async throws {
    let upscaler = try Upscaler(file: fixture("upscalers/compact_x2.safetensors"))
    var picture = try Self.photo(40, 30)
    picture.metadata = ["parameters": "a fox"]
    let enlarged = try await upscaler.upscaled(picture)
    #expect(enlarged.width == 80 && enlarged.metadata["parameters"] == "a fox")
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await upscaler.upscaled(picture)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("sizes, tiles and files that cannot be are refused with what to do")
  func refusals() throws {
    let upscaler = try Upscaler(file: fixture("upscalers/compact_x4.pth"))
    func complaint(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "done"
      } catch { return "\(error)" }
    }
    let picture = try Self.photo(40, 30)
    for tile in [0, 56, 65, 4096, -8] {
      #expect(complaint { _ = try upscaler.upscale(picture, tile: tile) }.contains("multiple of 8"))
    }
    let wide = try Picture(width: 5000, height: 4, pixels: Array(repeating: 0, count: 60_000))
    #expect(complaint { _ = try upscaler.upscale(wide, tile: 64) }.contains("20000×16"))
    let thin = try Self.photo(40, 3)
    #expect(complaint { _ = try upscaler.upscale(thin, tile: 64) }.contains("at least 4 pixels"))
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      for (name, architecture) in [
        ("layers.0.residual_group.blocks.0.norm1.weight", "SwinIR"),
        ("layers.0.residual_group.overlap_attn.qkv.weight", "HAT"),
        ("layers.0.blocks.0.attn.spatial_interaction.0.weight", "DAT"),
      ] {
        try SafetensorsFile.write([(name, Tensor(repeating: 0, shape: [1]))], to: path)
        #expect(complaint { _ = try Upscaler(file: path) }.contains("architecture \(architecture)"))
      }
    }
    let other = fixture("autoencoder_tiny.safetensors")
    #expect(
      complaint { _ = try Upscaler(file: other) }.contains(
        "Lantern enlarges with RRDBNet and SRVGGNetCompact"))
  }
}
