import LanternModels
import LanternPictures
import LanternTensor

/// How a pipeline takes references: how many, and in which size their latents stand behind those of the picture.
package struct ReferenceForm: Sendable {
  /// A size in pixels.
  package typealias Size = (width: Int, height: Int)

  /// References at most.
  let maximum: Int
  /// Whether a picture is cut to the size, rather than resized.
  let crops: Bool
  /// Sides that a picture must have, and how much longer one may be than the other; nil for any.
  let limits: (side: Int, ratio: Int)?
  /// What the picture is resized to before it is cut to multiples of `unit`.
  private let size: @Sendable (_ picture: Size) -> Size

  /// Of FLUX.1 Kontext (arXiv:2506.15742): one picture, in the nearest of the sizes that it was trained on.
  package static let kontext = ReferenceForm(maximum: 1, crops: false, limits: nil) { picture in
    let ratio = Double(picture.width) / Double(picture.height)
    func distance(_ size: Size) -> Double {
      abs(ratio - Double(size.width) / Double(size.height))
    }
    // Of two that are as near, the narrower, as in diffusers.
    return kontextSizes.min { (distance($0), $0.width) < (distance($1), $1.width) } ?? picture
  }

  /// Of FLUX.2 klein: up to four pictures, larger ones scaled down to 1024² pixels.
  package static let klein = ReferenceForm(maximum: 4, crops: true, limits: (64, 8)) { picture in
    let (area, most) = (picture.width * picture.height, 1024 * 1024)
    guard area > most else { return picture }
    let scale = (Double(most) / Double(area)).squareRoot()
    return (Int(Double(picture.width) * scale), Int(Double(picture.height) * scale))
  }

  private init(
    maximum: Int, crops: Bool, limits: (side: Int, ratio: Int)?,
    size: @escaping @Sendable (Size) -> Size
  ) {
    (self.maximum, self.crops, self.limits, self.size) = (maximum, crops, limits, size)
  }

  /// Sizes of Kontext's training, as diffusers lists them.
  private static let kontextSizes: [Size] = [
    (672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184),
    (944, 1104), (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752),
    (1456, 720), (1504, 688), (1568, 672),
  ]

  /// The size that a reference is encoded in, and that is drawn where nothing says another.
  ///
  /// - Parameters:
  ///   - picture: its own size.
  ///   - unit: pixels that sides are multiples of.
  /// - Returns: the size.
  package func size(of picture: Size, unit: Int) -> Size {
    let size = size(picture)
    return (max(unit, size.width / unit * unit), max(unit, size.height / unit * unit))
  }

  /// A reference in the size that it is encoded in.
  ///
  /// - Throws: ``PictureError`` when memory runs out.
  func fitted(_ picture: Picture, unit: Int) throws(PictureError) -> Picture {
    let own = (picture.width, picture.height)
    let (width, height) = size(of: own, unit: unit)
    guard crops else { return try picture.resized(width: width, height: height) }
    let scaled = size(own)
    let resized =
      scaled == own ? picture : try picture.resized(width: scaled.width, height: scaled.height)
    let (left, top) = ((scaled.width - width) / 2, (scaled.height - height) / 2)
    return try resized.cropped(rows: top..<top + height, columns: left..<left + width)
  }

  /// Checks the references of a request.
  ///
  /// - Throws: ``RequestError`` for too many, for those that a recipe only names, and for sizes that cannot be.
  func check(_ references: [ReferencePicture]) throws(RequestError) {
    guard references.count <= maximum else {
      throw .range(
        name: "references", found: "\(references.count)",
        allowed: maximum == 1 ? "one, with this model" : "up to \(maximum), with this model")
    }
    for reference in references {
      guard let picture = reference.picture, let limits else { continue }
      let (shorter, longer) = (
        min(picture.width, picture.height), max(picture.width, picture.height)
      )
      guard shorter >= limits.side, longer <= limits.ratio * shorter else {
        throw .range(
          name: "size of the reference \(reference.name)",
          found: "\(picture.width)×\(picture.height)",
          allowed: "sides of \(limits.side) or more, one up to \(limits.ratio) times the other")
      }
    }
  }
}

extension ImageModel {
  /// The latents of references, `[1, height, width, channel]` each, with no random number.
  ///
  /// - Throws: what reading and running the codec's encoder throws.
  func latents(of references: [ReferencePicture], tiled: Bool) throws -> [Tensor] {
    guard let form = referenceForm else { return [] }
    let unit = codec.downsampling * geometry.patchSize
    return try references.compactMap(\.picture).map { picture in
      let pixels = try form.fitted(picture, unit: unit).tensor.scaled(by: 2, plus: -1)
      let shape = [
        1, pixels.shape[1] / codec.downsampling, pixels.shape[2] / codec.downsampling,
        codec.latentChannels,
      ]
      return try codec.encode(pixels, noise: Tensor(repeating: 0, shape: shape), tiled: tiled)
    }
  }
}
