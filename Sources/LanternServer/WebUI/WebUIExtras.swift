import Hummingbird
import Lantern
import LanternFormats
import LanternPictures
import LanternTensor

/// What stable-diffusion-webui does with pictures that are there: enlarges and describes them.
extension Service {
  func addWebUIExtras(_ api: RouterGroup<Context>) {
    api.post("extra-single-image") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      guard let picture = try fields.picture("image") else {
        throw ServerError.field(name: "image", reason: "it is missing")
      }
      let enlarged = try await self.enlarged([picture], fields, request)
      return Response(
        json: .object([
          "html_info": "", "image": try enlarged[0].base64(),
          "notes": .array(fields.notes.map(JSONValue.string)),
        ]), closes: true)
    }
    api.post("extra-batch-images") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      var pictures: [Picture] = []
      for item in try fields.objects("imageList") ?? [] {
        item.pass("name")
        guard let picture = try item.picture("data") else {
          throw ServerError.field(name: item.path("data"), reason: "it is missing")
        }
        pictures.append(picture)
      }
      guard !pictures.isEmpty else {
        throw ServerError.field(name: "imageList", reason: "give one picture at least")
      }
      let enlarged = try await self.enlarged(pictures, fields, request)
      return Response(
        json: .object([
          "html_info": "", "images": .array(try enlarged.map { try $0.base64() }),
          "notes": .array(fields.notes.map(JSONValue.string)),
        ]), closes: true)
    }
    api.post("interrogate") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      guard let picture = try fields.picture("image") else {
        throw ServerError.field(name: "image", reason: "it is missing")
      }
      guard try fields.string("model") ?? "clip" == "clip" else {
        throw ServerError.unsupported(
          name: "model", remedy: "leave it out, or give clip: the server's own model describes")
      }
      let generator = try await self.shelf.story(nil)
      let caption = try await self.whileListening(request) {
        try await generator.caption(of: picture)
      }
      return Response(json: .object(["caption": .string(caption)]), closes: true)
    }
  }

  private func enlarged(_ pictures: [Picture], _ fields: RequestFields, _ call: Request)
    async throws -> [Picture]
  {
    let wanted = try WebUIEnlargement(fields)
    let first = try await upscaler(wanted.first, "upscaler_1")
    let second = wanted.share > 0 ? try await upscaler(wanted.second, "upscaler_2") : nil
    return try await whileListening(call) {
      var enlarged: [Picture] = []
      for picture in pictures {
        var result = try await wanted.picture(picture, with: first)
        if wanted.share > 0 {
          result = try result.blended(
            with: await wanted.picture(picture, with: second), share: wanted.share)
        }
        enlarged.append(result)
      }
      return enlarged
    }
  }

  /// The network of a name; nil for those that stand for a plain resize.
  private func upscaler(_ name: String, _ field: String) async throws -> Upscaler? {
    if WebUIEnlargement.resizes.contains(where: { $0.lowercased() == name.lowercased() }) {
      return nil
    }
    return try await shelf.upscaler(addOns.path(of: name, .upscaler, field: field))
  }
}

/// How pictures are to be enlarged, as webui's extras have it.
struct WebUIEnlargement: Sendable {
  /// Names of what resizes by a Lanczos window, without a network.
  static let resizes = ["None", "Lanczos"]

  private enum Size {
    case factor(Double)
    /// A size; whether what is beyond it is cut off.
    case pixels(width: Int, height: Int, crops: Bool)
  }

  private let size: Size
  let first: String
  let second: String
  /// How much of the second is seen.
  let share: Double

  /// - Parameter fields: the body.
  /// - Throws: ``ServerError`` for values that make no sense.
  init(_ fields: RequestFields) throws(ServerError) {
    let mode = try fields.integer("resize_mode", in: 0...1) ?? 0
    let factor = try fields.number("upscaling_resize", in: 1...8) ?? 2
    let width = try fields.integer("upscaling_resize_w", in: 1...16384) ?? 512
    let height = try fields.integer("upscaling_resize_h", in: 1...16384) ?? 512
    let crops = try fields.bool("upscaling_crop") ?? true
    size = mode == 0 ? .factor(factor) : .pixels(width: width, height: height, crops: crops)
    first = try fields.string("upscaler_1") ?? "None"
    second = try fields.string("upscaler_2") ?? "None"
    let visibility = try fields.number("extras_upscaler_2_visibility", in: 0...1) ?? 0
    share = second == "None" ? 0 : visibility
    for name in ["gfpgan_visibility", "codeformer_visibility"]
    where try fields.number(name, in: 0...1) ?? 0 > 0 {
      throw .unsupported(name: name, remedy: "give 0: the server restores no faces")
    }
    fields.pass("codeformer_weight", "upscale_first")
    fields.pass(idle: ["show_extras_results": [true, false], "html_info": [.string("")]])
  }

  /// The larger picture: a network enlarges until the size is reached, three times at most, and a Lanczos window does
  /// the rest, as in webui.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - upscaler: the network; none where nil.
  /// - Returns: the larger picture.
  /// - Throws: what the network throws; `PictureError` for a size that is too large.
  func picture(_ picture: Picture, with upscaler: Upscaler?) async throws -> Picture {
    let (width, height) = (Double(picture.width), Double(picture.height))
    let factor =
      switch size {
      case .factor(let factor): factor
      case .pixels(let wide, let high, true): max(Double(wide) / width, Double(high) / height)
      case .pixels(let wide, let high, false): min(Double(wide) / width, Double(high) / height)
      }
    func side(_ length: Double) -> Int {
      guard case .factor = size else { return max(1, Int((length * factor).rounded())) }
      return max(8, Int(length * factor) / 8 * 8)
    }
    let (wide, high) = (side(width), side(height))
    try Picture.checkSize(wide, high, path: "the enlarged picture")
    var result = picture
    for _ in 0..<3 where result.width < wide || result.height < high {
      guard let upscaler else { break }
      result = try await upscaler.upscaled(result)
    }
    if (result.width, result.height) != (wide, high) {
      result = try result.resized(width: wide, height: high)
    }
    if case .pixels(let width, let height, true) = size {
      let (left, top) = ((wide - width) / 2, (high - height) / 2)
      result = try result.cropped(rows: top..<top + height, columns: left..<left + width)
    }
    result.metadata = picture.metadata
    return result
  }
}

extension Picture {
  /// The picture mixed with another of its size.
  ///
  /// - Parameters:
  ///   - other: the other.
  ///   - share: how much of the other is seen.
  /// - Returns: the mixture.
  /// - Throws: `PictureError`, never for sizes that are equal.
  fileprivate func blended(with other: Picture, share: Double) throws -> Picture {
    let mixed = zip(pixels, other.pixels).map { a, b in
      UInt8(clamping: Int(Double(a) + share * (Double(b) - Double(a))))
    }
    var result = try Picture(width: width, height: height, pixels: mixed)
    result.metadata = metadata
    return result
  }
}
