import HTTPTypes
import Hummingbird
import Lantern
import LanternFormats
import LanternPictures
import NIOCore

/// How a picture is sent back.
struct PictureEncoding: Sendable {
  enum Format: String { case png, jpeg }

  var format = Format.png
  var quality = 95

  /// The type of its file.
  var mediaType: String { "image/\(format.rawValue)" }

  /// The bytes of a picture's file, with its recipe.
  func bytes(_ picture: Picture) throws(PictureError) -> [UInt8] {
    switch format {
    case .png: try picture.png()
    case .jpeg: try picture.jpeg(quality: quality)
    }
  }
}

extension RequestFields {
  /// A size, as `512x512`; nil for `auto` and for none.
  func size() throws(ServerError) -> (width: Int, height: Int)? {
    guard let text = try string("size"), text != "auto" else { return nil }
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0
    else {
      throw .field(
        name: "size", reason: "\(JSON.quoted(text)): give WIDTHxHEIGHT in pixels, or auto")
    }
    return (width, height)
  }

  /// How pictures are sent back, as OpenAI's clients say it.
  func encoding() throws(ServerError) -> PictureEncoding {
    var encoding = PictureEncoding()
    switch try string("output_format") {
    case nil, "png": break
    case "jpeg": encoding.format = .jpeg
    case let other?:
      throw .field(name: "output_format", reason: "\(JSON.quoted(other)): give png or jpeg")
    }
    encoding.quality = try integer("output_compression", in: 1...100) ?? encoding.quality
    return encoding
  }

  /// A picture in base64, alone or as a data URL. No other URL is fetched.
  func picture(_ name: String) throws -> Picture? {
    try string(name).map { try Picture(Self.bytes(ofBase64: $0, name), path: name) }
  }

  /// The bytes of base64, alone or as a data URL.
  static func bytes(ofBase64 text: String, _ name: String) throws(ServerError) -> [UInt8] {
    var digits = text[...]
    if text.hasPrefix("data:") {
      guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else {
        throw .field(name: name, reason: "it is a data URL without base64")
      }
      digits = text[text.index(after: comma)...]
    } else if text.hasPrefix("http:") || text.hasPrefix("https:") || text.hasPrefix("file:") {
      throw .field(name: name, reason: "addresses are not fetched: send the picture in base64")
    }
    guard let bytes = Base64.decode(digits.utf8.filter { $0 != 10 && $0 != 13 }) else {
      throw .field(name: name, reason: "it is no base64")
    }
    return bytes
  }
}

extension ImageRequest {
  /// So many requests that differ by their seeds, which follow one another.
  func repeated(_ count: Int) -> [ImageRequest] {
    (0..<count).map { index in
      var one = self
      one.seed = seed &+ UInt64(index)
      return one
    }
  }
}

extension Picture {
  /// The picture as base64 of its file.
  func base64(_ encoding: PictureEncoding = PictureEncoding()) throws(PictureError) -> JSONValue {
    .string(Base64.encode(try encoding.bytes(self)))
  }
}
