import LanternFormats
import LanternLayers
import LanternModels
public import LanternPictures
public import LanternTensor

/// Enlarges pictures with a super-resolution network, as Real-ESRGAN's, tile by tile.
public struct Upscaler: Sendable {
  /// Path of the network's file.
  public let path: String
  /// The network's architecture, as `RRDBNet`.
  public let architecture: String
  /// Pixels a side of the result for one of the picture.
  public var scale: Int { network.scale }
  private let network: any UpscalerNetwork

  /// Pixels a side of a tile that need 0.5 GB with a network of 64 features that enlarges four times.
  public static let standardTile = 192

  /// Loads a network, whose architecture is recognised by its tensors.
  ///
  /// - Parameters:
  ///   - path: a file of safetensors or of `torch.save`.
  ///   - precision: how exactly it computes; what suits this processor by default.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(file path: String, precision: Precision = .default) throws {
    let file = try openTensorFile(path)
    self.path = path
    for row in ModelCatalogue.upscalers {
      guard let network = try row.model(of: file, precision) else { continue }
      (architecture, self.network) = (row.name, network)
      return
    }
    let names = ModelCatalogue.upscalers.map(\.name).joined(separator: " and ")
    let kind = CheckpointKind(names: file.names)?.name ?? "no network that is known"
    throw RequestError.unsupportedUpscaler(kind: kind, path: path, supported: names)
  }

  /// Enlarges a picture. Cancelling its task stops the work within one tile.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - tile: pixels a side of what is enlarged at once, a multiple of 8 from 64 to 2048: memory grows with
  ///     its square.
  /// - Returns: the larger picture, with the texts of the picture's `Picture.metadata`.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func upscaled(_ picture: Picture, tile: Int = standardTile) async throws -> Picture {
    try await ComputeQueue.run { checkCancellation in
      try upscale(picture, tile: tile) { _, _ in try checkCancellation() }
    }
  }

  /// How many tiles a picture is cut into.
  package func tileCount(_ picture: Picture, tile: Int) -> Int {
    let unit = network.unit
    return TileAxis(picture.width, tile: tile, unit: unit).count
      * TileAxis(picture.height, tile: tile, unit: unit).count
  }

  /// Enlarges a picture on the caller's thread.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - tile: see ``upscaled(_:tile:)``.
  ///   - onTile: called after each tile: its number from 1, of how many; throw to stop.
  /// - Returns: the larger picture.
  /// - Throws: an error of the room where it arose, or what `onTile` throws.
  package func upscale(
    _ picture: Picture, tile: Int,
    onTile: (_ number: Int, _ count: Int) throws -> Void = { _, _ in }
  ) throws -> Picture {
    try Self.check(tile: tile)
    let (width, height) = (picture.width * scale, picture.height * scale)
    try Picture.checkSize(width, height, path: "the enlarged picture")
    // Networks of four pixels a side look at smaller pictures' edges alone.
    guard min(picture.width, picture.height) >= 4 else {
      throw RequestError.range(
        name: "size of the picture", found: "\(picture.width)×\(picture.height)",
        allowed: "at least 4 pixels a side")
    }
    let columns = TileAxis(picture.width, tile: tile, unit: network.unit)
    let rows = TileAxis(picture.height, tile: tile, unit: network.unit)
    var strips = try StripBlender(width: width, height: height)
    var number = 0
    for row in rows.tiles {
      for column in columns.tiles {
        let part = try picture.cropped(rows: row.range, columns: column.range)
        let enlarged = try network(part.tensor)
        guard enlarged.isFiniteEverywhere else {
          throw RequestError.notFinite(what: "the enlarged picture", step: nil)
        }
        try strips.add(
          enlarged, row: row.weights(scale: scale), column: column.weights(scale: scale))
        number += 1
        try onTile(number, rows.count * columns.count)
      }
      try strips.finish(rowsBelow: (row.next ?? picture.height) * scale)
    }
    var result = try Picture(width: width, height: height, pixels: strips.pixels)
    result.metadata = picture.metadata
    return result
  }

  /// Checks a tile's size before work begins.
  ///
  /// - Throws: ``RequestError/range(name:found:allowed:)``.
  package static func check(tile: Int) throws(RequestError) {
    guard (64...2048).contains(tile), tile % 8 == 0 else {
      throw .range(name: "tile", found: "\(tile)", allowed: "a multiple of 8 from 64 to 2048")
    }
  }
}
