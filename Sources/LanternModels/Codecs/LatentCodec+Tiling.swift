package import LanternLayers
package import LanternTensor

extension LatentCodec {
  /// The latent of a picture, scaled for diffusion.
  ///
  /// - Parameters:
  ///   - picture: `[batch, height, width, 3]`, −1…1, sizes multiples of ``downsampling``.
  ///   - noise: standard normal numbers of the latent's shape, for codecs that draw a latent from a
  ///     distribution; nil for the likeliest latent as it is, not scaled.
  ///   - tiled: whether to encode overlapping tiles one by one, for little memory.
  /// - Returns: `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``ModelError`` when the encoder cannot be read, or for a wrong shape.
  package func encode(_ picture: Tensor, noise: Tensor?, tiled: Bool = false) throws(ModelError)
    -> Tensor
  {
    let encoded = tiled ? try encodeTiles(picture) : try encodeWhole(picture)
    do throws(TensorError) { return try latent(of: encoded, noise: noise) } catch {
      throw .tensor(error)
    }
  }

  /// The picture of a scaled latent.
  ///
  /// - Parameters:
  ///   - latent: `[batch, height, width, latent channel]`.
  ///   - tiled: whether to decode overlapping tiles one by one, for little memory.
  /// - Returns: `[batch, height · downsampling, width · downsampling, 3]`, about −1…1.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func decode(_ latent: Tensor, tiled: Bool = false) throws(TensorError) -> Tensor {
    tiled ? try decodeTiles(latent) : try decodeWhole(latent)
  }

  /// Latents a side of a tile.
  package var tileSize: Int { max(sampleSize / downsampling, 4) }

  /// Decodes overlapping tiles one by one and blends them, so that memory does not grow with the
  /// picture. Tiles, overlap and blending equal those of diffusers' `tiled_decode`.
  func decodeTiles(_ latent: Tensor) throws(TensorError) -> Tensor {
    let step = max(tileSize * 3 / 4, 1)
    // Where four does not divide the tile, diffusers rounds kept and blended parts apart and the picture grows.
    let kept = step * downsampling
    let tiles = Tiles(
      size: tileSize, step: step, kept: kept, blend: tileSize * downsampling - kept)
    let decoded = try tiles.cut(latent).map { row throws(TensorError) in
      try row.map { tile throws(TensorError) in try decodeWhole(tile) }
    }
    return try tiles.joined(decoded)
  }

  /// Encodes overlapping tiles likewise, as diffusers' `tiled_encode`.
  func encodeTiles(_ picture: Tensor) throws(ModelError) -> Tensor {
    let kept = max(tileSize * 3 / 4, 1)
    let tiles = Tiles(
      size: tileSize * downsampling, step: kept * downsampling, kept: kept,
      blend: tileSize - kept)
    let cut: [[Tensor]]
    do { cut = try tiles.cut(picture) } catch { throw .tensor(error) }
    let encoded = try cut.map { row throws(ModelError) in
      try row.map { tile throws(ModelError) in try encodeWhole(tile) }
    }
    do { return try tiles.joined(encoded) } catch { throw .tensor(error) }
  }
}

/// Overlapping tiles of `[batch, height, width, channel]`.
private struct Tiles {
  /// Positions a side of a tile.
  let size: Int
  /// Positions from one tile to the next.
  let step: Int
  /// Positions a side that stay of an output.
  let kept: Int
  /// Positions over which an output is faded in over the one before.
  let blend: Int

  /// The tiles, row by row; of what fits into one, that one.
  func cut(_ x: Tensor) throws(TensorError) -> [[Tensor]] {
    let (height, width) = (x.shape[1], x.shape[2])
    guard height > size || width > size else { return [[x]] }
    return try stride(from: 0, to: height, by: step).map { top throws(TensorError) in
      let strip = try x.sliced(axis: 1, top..<min(top + size, height))
      return try stride(from: 0, to: width, by: step).map { left throws(TensorError) in
        try strip.sliced(axis: 2, left..<min(left + size, width))
      }
    }
  }

  /// The outputs of all tiles, blended and put together.
  func joined(_ outputs: [[Tensor]]) throws(TensorError) -> Tensor {
    if outputs.count == 1, outputs[0].count == 1 { return outputs[0][0] }
    var rows: [Tensor] = []
    var above: [Tensor] = []
    for outputs in outputs {
      var row: [Tensor] = []
      for var output in outputs {
        if row.count < above.count {
          output = try output.blended(after: above[row.count], axis: 1, over: blend)
        }
        if let last = row.last { output = try output.blended(after: last, axis: 2, over: blend) }
        row.append(output)
      }
      let strips = try row.map { tile throws(TensorError) in
        try tile.sliced(axis: 1, 0..<min(kept, tile.shape[1]))
          .sliced(axis: 2, 0..<min(kept, tile.shape[2]))
      }
      rows.append(try Tensor.concatenated(strips, axis: 2))
      above = row
    }
    return try Tensor.concatenated(rows, axis: 1)
  }
}

extension Tensor {
  /// Self with its first positions along `axis` faded in over the last ones of `before`.
  fileprivate func blended(after before: Tensor, axis: Int, over extent: Int) throws(TensorError)
    -> Tensor
  {
    let count = min(before.shape[axis], shape[axis], extent)
    let end = before.shape[axis]
    let ramp = try Tensor(
      (0..<count).map { Float($0) / Float(count) }, shape: axis == 1 ? [count, 1, 1] : [count, 1])
    let old = try before.sliced(axis: axis, end - count..<end)
    let new = try sliced(axis: axis, 0..<count)
    let faded = try old * ramp.scaled(by: -1, plus: 1) + new * ramp
    return try Tensor.concatenated(
      [faded, sliced(axis: axis, count..<shape[axis])], axis: axis)
  }
}
