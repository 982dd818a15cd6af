/// What a file is by its first bytes: PNG and JPEG are read, others are called by their names.
enum PictureFormat: Equatable {
  case png
  case jpeg
  /// One that is not read, if its name is known.
  case other(String?)

  init(_ bytes: [UInt8]) {
    if bytes.starts(with: PNG.signature) {
      self = .png
    } else if bytes.starts(with: JPEG.signature) {
      self = .jpeg
    } else {
      let found = Self.rows.first { row in
        row.at + row.mark.utf8.count <= bytes.count
          && bytes[row.at...].starts(with: row.mark.utf8)
      }
      self = .other(found?.name ?? Self.text(bytes.prefix(1024)))
    }
  }

  /// Marks at the beginning of files, and what they are.
  private static let rows: [(at: Int, mark: String, name: String)] = [
    (8, "WEBP", "WebP picture"), (0, "GIF8", "GIF picture"), (0, "BM", "BMP picture"),
    (0, "II*\0", "TIFF picture"), (0, "MM\0*", "TIFF picture"), (0, "II+\0", "TIFF picture"),
    (0, "MM\0+", "TIFF picture"), (4, "ftypheic", "HEIC picture"),
    (4, "ftypheix", "HEIC picture"), (4, "ftyphevc", "HEIC picture"),
    (4, "ftypmif1", "HEIC picture"), (4, "ftypmsf1", "HEIC picture"),
    (4, "ftypavif", "AVIF picture"), (4, "ftypavis", "AVIF picture"), (4, "ftyp", "video"),
    (4, "JXL \r\n", "JPEG XL picture"), (4, "jP  \r\n", "JPEG 2000 picture"),
    (0, "%PDF", "PDF document"), (0, "%!PS", "PostScript document"), (0, "8BPS", "Photoshop file"),
    (0, "gimp xcf", "GIMP file"), (0, "\0\0\u{1}\0", "icon"), (0, "qoif", "QOI picture"),
    (0, "v/1\u{1}", "OpenEXR picture"), (0, "DDS ", "DDS texture"),
    (0, "#?RADIANCE", "HDR picture"),
    (0, "P1\n", "PBM picture"), (0, "P2\n", "PGM picture"), (0, "P3\n", "PPM picture"),
    (0, "P4\n", "PBM picture"), (0, "P5\n", "PGM picture"), (0, "P6\n", "PPM picture"),
    (0, "\u{8}MNG", "MNG animation"), (0, "PK\u{3}\u{4}", "ZIP archive"),
    (0, "version https://git-lfs", "pointer of Git LFS"),
  ]

  /// What a text is that stands where a picture should.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
    // JPEG XL without a container.
    if bytes.starts(with: [0xFF, 0x0A]) { return "JPEG XL picture" }
    let words = String(decoding: bytes, as: UTF8.self).lowercased()
    if words.contains("<svg") { return "SVG drawing" }
    return words.contains("<html") || words.contains("<!doctype html") ? "web page" : nil
  }
}
