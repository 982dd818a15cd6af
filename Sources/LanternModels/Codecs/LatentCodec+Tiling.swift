import LanternTensor

extension LatentCodec {
  /// Latents a side of a tile.
  package var tileSize: Int { max(sampleSize / downsampling, 4) }

  /// Decodes overlapping tiles one by one and blends them, so that memory does not grow with the
  /// picture. Tiles, overlap and blending equal those of diffusers' `tiled_decode`.
  func decodeTiles(_ latent: Tensor) throws(TensorError) -> Tensor {
    let tile = tileSize
    let (height, width) = (latent.shape[1], latent.shape[2])
    guard height > tile || width > tile else { return try decodeWhole(latent) }
    let step = max(tile * 3 / 4, 1)
    // Where four does not divide the tile, diffusers rounds these apart and the picture grows.
    let kept = step * downsampling
    let blend = tile * downsampling - kept

    var rows: [Tensor] = []
    var above: [Tensor] = []
    for top in stride(from: 0, to: height, by: step) {
      let strip = try latent.sliced(axis: 1, top..<min(top + tile, height))
      var row: [Tensor] = []
      for left in stride(from: 0, to: width, by: step) {
        var decoded = try decodeWhole(strip.sliced(axis: 2, left..<min(left + tile, width)))
        if row.count < above.count {
          decoded = try decoded.blended(after: above[row.count], axis: 1, over: blend)
        }
        if let last = row.last { decoded = try decoded.blended(after: last, axis: 2, over: blend) }
        row.append(decoded)
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
