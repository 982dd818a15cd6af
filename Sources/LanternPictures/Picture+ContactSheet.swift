extension Picture {
  /// Many pictures as one, in rows from the top left, on white.
  ///
  /// Each lies at the top left of a cell as large as the largest.
  ///
  /// - Parameters:
  ///   - pictures: what to show; none give one white pixel.
  ///   - columns: how many to a row, at least 1.
  ///   - gap: white pixels between neighbours.
  /// - Returns: the sheet.
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for one that would have more than
  ///   a million pixels a side, ``PictureError/outOfMemory(byteCount:)``.
  public static func sheet(
    _ pictures: [Picture], columns: Int, gap: Int = 8
  ) throws(PictureError) -> Picture {
    let cellWidth = pictures.map(\.width).max() ?? 1
    let cellHeight = pictures.map(\.height).max() ?? 1
    let across = max(min(columns, pictures.count), 1)
    let down = max((pictures.count + across - 1) / across, 1)
    let space = min(max(gap, 0), 1_000_000)
    let width = across * cellWidth + (across - 1) * space
    let height = down * cellHeight + (down - 1) * space
    guard width <= 1_000_000, height <= 1_000_000 else {
      throw .size(width: width, height: height, byteCount: 0)
    }
    var pixels = try [UInt8].zeros(width * height * 3)
    for index in pixels.indices { pixels[index] = 255 }
    for (index, picture) in pictures.enumerated() {
      let left = index % across * (cellWidth + space)
      let top = index / across * (cellHeight + space)
      for y in 0..<picture.height {
        let target = 3 * ((top + y) * width + left)
        let source = 3 * y * picture.width
        let row = picture.pixels[source..<source + 3 * picture.width]
        pixels.replaceSubrange(target..<target + row.count, with: row)
      }
    }
    return Picture(known: width, height, pixels)
  }
}
