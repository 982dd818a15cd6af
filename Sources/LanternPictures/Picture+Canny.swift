internal import LanternTensor

extension Picture {
  /// The picture's edges, white on black, by Canny's detector (Canny 1986) as OpenCV computes it
  /// (`cv2.Canny` with an aperture of 3 and L1 norms): what many ControlNets follow.
  ///
  /// - Parameters:
  ///   - low: gradients up to this are no edge.
  ///   - high: edges begin in gradients above this, and go on in those above `low`.
  /// - Returns: a picture of the same size.
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``, ``PictureError/tensor(_:)``.
  public func cannyEdges(low: Int = 100, high: Int = 200) throws(PictureError) -> Picture {
    do { try Memory.require(64 * width * height) } catch { throw .tensor(error) }
    var edges = Edges(self)
    edges.findRidges(low: min(low, high), high: max(low, high))
    let isEdge = edges.traced()
    var drawn = try [UInt8].zeros(3 * width * height)
    for index in drawn.indices where isEdge[index / 3] { drawn[index] = 255 }
    return Picture(known: width, height, drawn)
  }
}

/// The gradients of a picture, and which of its pixels are edges.
private struct Edges {
  private enum Kind { case none, weak, strong }

  private let width: Int
  private let height: Int
  /// Of the channel in which they are largest; a border of zeros around all.
  private var magnitudes: [Int32]
  private var horizontal: [Int32]
  private var vertical: [Int32]
  private var kinds: [Kind]
  /// Numbers in a row.
  private var stride: Int { width + 2 }

  /// Sobel's gradients, with the picture's edges repeated beyond it.
  init(_ picture: Picture) {
    (width, height) = (picture.width, picture.height)
    let (width, height) = (width, height)
    let stride = width + 2
    magnitudes = Array(repeating: 0, count: stride * (height + 2))
    (horizontal, vertical) = (magnitudes, magnitudes)
    kinds = Array(repeating: .none, count: magnitudes.count)
    picture.pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        let rows = (max(y - 1, 0) * width, y * width, min(y + 1, height - 1) * width)
        for x in 0..<width {
          let (left, right) = (max(x - 1, 0), min(x + 1, width - 1))
          let target = (y + 1) * stride + x + 1
          for channel in 0..<3 {
            func at(_ row: Int, _ column: Int) -> Int32 {
              Int32(pixels[3 * (row + column) + channel])
            }
            let dx =
              at(rows.0, right) - at(rows.0, left) + 2 * (at(rows.1, right) - at(rows.1, left))
              + at(rows.2, right) - at(rows.2, left)
            let dy =
              at(rows.2, left) - at(rows.0, left) + 2 * (at(rows.2, x) - at(rows.0, x))
              + at(rows.2, right) - at(rows.0, right)
            let magnitude = abs(dx) + abs(dy)
            guard channel == 0 || magnitude > magnitudes[target] else { continue }
            magnitudes[target] = magnitude
            (horizontal[target], vertical[target]) = (dx, dy)
          }
        }
      }
    }
  }

  /// Keeps pixels whose gradient is the largest across the edge.
  mutating func findRidges(low: Int, high: Int) {
    // tan 22.5° in fixed point of 15 bits.
    let tangent = 13_573
    for y in 1...height {
      for index in y * stride + 1...y * stride + width {
        let magnitude = magnitudes[index]
        guard magnitude > low else { continue }
        let x = Int(abs(horizontal[index]))
        let y = Int(abs(vertical[index])) << 15
        let (flat, steep) = (x * tangent, x * tangent + x << 16)
        let step: Int
        if y < flat {
          step = 1
        } else if y > steep {
          step = stride
        } else {
          let falls = (horizontal[index] ^ vertical[index]) < 0
          step = falls ? stride - 1 : stride + 1
        }
        let isDiagonal = y >= flat && y <= steep
        let (before, after) = (magnitudes[index - step], magnitudes[index + step])
        guard magnitude > before, isDiagonal ? magnitude > after : magnitude >= after else {
          continue
        }
        kinds[index] = magnitude > high ? .strong : .weak
      }
    }
  }

  /// Which pixels are edges: strong ones, and weak ones that lead to them.
  func traced() -> [Bool] {
    var isEdge = kinds.map { $0 == .strong }
    var open = isEdge.indices.filter { isEdge[$0] }
    while let index = open.popLast() {
      for row in [-stride, 0, stride] {
        for neighbour in index + row - 1...index + row + 1
        where kinds[neighbour] == .weak && !isEdge[neighbour] {
          isEdge[neighbour] = true
          open.append(neighbour)
        }
      }
    }
    return (0..<width * height).map { isEdge[($0 / width + 1) * stride + $0 % width + 1] }
  }
}
