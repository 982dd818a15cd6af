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
  public static func sheet(_ pictures: [Picture], columns: Int, gap: Int = 8) -> Picture {
    let cellWidth = pictures.map(\.width).max() ?? 1
    let cellHeight = pictures.map(\.height).max() ?? 1
    let across = max(min(columns, pictures.count), 1)
    let down = max((pictures.count + across - 1) / across, 1)
    let space = max(gap, 0)
    let width = across * cellWidth + (across - 1) * space
    let height = down * cellHeight + (down - 1) * space
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
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
