import LanternPictures
import LanternTensor

/// The tiles along one side of a picture. Neighbours overlap; in the middle of the overlap one fades
/// into the other, and what lies nearer to a tile's edge, where a network sees too little around, is not
/// used.
struct TileAxis {
  /// A tile: the pixels that are read, and where its neighbours fade in.
  struct Tile {
    /// Pixels of the picture.
    let range: Range<Int>
    /// Where the ramp to the tile before begins; nil for the first.
    fileprivate let before: Int?
    /// Where the ramp to the tile after begins; nil for the last.
    let next: Int?

    /// The first pixel of the enlarged picture that the tile is part of, and by what share it is part of
    /// that and those after it.
    func weights(scale: Int) -> (first: Int, shares: [Float]) {
      let ramp = TileAxis.ramp * scale
      let shares = (0..<range.count * scale).map { index -> Float in
        let position = Float(range.lowerBound * scale + index) + 0.5
        func risen(from start: Int?) -> Float? {
          start.map { min(max((position - Float($0 * scale)) / Float(ramp), 0), 1) }
        }
        return (risen(from: before) ?? 1) * (1 - (risen(from: next) ?? 0))
      }
      return (range.lowerBound * scale, shares)
    }
  }

  let tiles: [Tile]
  var count: Int { tiles.count }

  /// Pixels that neighbours share at least.
  private static let overlap = 24
  /// Pixels over which one fades into the other.
  private static let ramp = 8

  /// - Parameters:
  ///   - size: of the picture, in pixels.
  ///   - tile: most pixels of a tile.
  ///   - unit: what tiles begin at multiples of.
  init(_ size: Int, tile: Int, unit: Int) {
    guard size > tile else {
      tiles = [Tile(range: 0..<size, before: nil, next: nil)]
      return
    }
    let step = tile - Self.overlap - unit
    let count = (size - tile + step - 1) / step + 1
    let starts = (0..<count).map { index in
      (size - tile) * index / (count - 1) / unit * unit
    }
    func end(_ index: Int) -> Int { index == count - 1 ? size : starts[index] + tile }
    // The ramp lies in the middle of what two share.
    let ramps = (1..<count).map { (starts[$0] + end($0 - 1) - Self.ramp) / 2 }
    tiles = (0..<count).map { index in
      Tile(
        range: starts[index]..<end(index), before: index == 0 ? nil : ramps[index - 1],
        next: index == count - 1 ? nil : ramps[index])
    }
  }
}

/// Blends tiles into a picture strip by strip: only the rows that tiles yet to come are part of are
/// kept as numbers.
struct StripBlender {
  /// The bytes of finished rows, `[row, width, 3]`.
  private(set) var pixels: [UInt8] = []
  private let width: Int
  private let height: Int
  /// Sums of tiles, `[row, width, 3]`, from the first row that is not finished.
  private var sums: [Float] = []
  private var first = 0

  init(width: Int, height: Int) throws {
    (self.width, self.height) = (width, height)
    do { try Memory.require(3 * width * height) } catch { throw PictureError.tensor(error) }
    pixels.reserveCapacity(3 * width * height)
  }

  /// Adds a tile, `[1, height, width, 3]`, by the shares of its rows and columns.
  mutating func add(
    _ tile: Tensor, row: (first: Int, shares: [Float]), column: (first: Int, shares: [Float])
  ) throws {
    let values = try tile.floats()
    let missing = (row.first + row.shares.count - first) * width * 3 - sums.count
    if missing > 0 { sums += [Float](repeating: 0, count: missing) }
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for (y, rowShare) in row.shares.enumerated() where rowShare > 0 {
          var target = ((row.first + y - first) * width + column.first) * 3
          var source = y * column.shares.count * 3
          for columnShare in column.shares {
            for _ in 0..<3 {
              sums[target] += rowShare * columnShare * values[source]
              (target, source) = (target + 1, source + 1)
            }
          }
        }
      }
    }
  }

  /// Turns the rows above `end` into bytes: no tile to come is part of them.
  mutating func finish(rowsBelow end: Int) throws {
    let count = (end - first) * width * 3
    guard count > 0 else { return }
    let rows = try Tensor(Array(sums[..<count]), shape: [end - first, width, 3])
    pixels += try Picture(rows).pixels
    sums.removeFirst(count)
    first = end
  }
}
