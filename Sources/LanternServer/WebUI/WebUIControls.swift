import Hummingbird
import Lantern
import LanternFormats
import LanternPictures

/// The units of stable-diffusion-webui's ControlNet extension, and what its clients look up.
extension Service {
  func addWebUIControls(_ router: Router<Context>) {
    let api = router.group("/controlnet")
    api.get("version") { _, _ in Response(json: .object(["version": 3])) }
    api.get("model_list") { _, _ in
      let names = try self.addOns.names(.control)
      return Response(json: .object(["model_list": .array(names.map(JSONValue.string))]))
    }
    api.get("module_list") { _, _ in
      let names = [WebUIControl.none] + Control.Preprocessor.allCases.map(\.rawValue)
      return Response(json: .object(["module_list": .array(names.map(JSONValue.string))]))
    }
    api.post("detect") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      let module = try fields.string("controlnet_module") ?? WebUIControl.none
      let canny = try WebUIControl.thresholds(module, fields, prefix: "controlnet_")
      let side = try fields.integer("controlnet_processor_res", in: -1...16384) ?? 512
      guard let texts = try fields.strings("controlnet_images"), !texts.isEmpty else {
        throw ServerError.field(name: "controlnet_images", reason: "give one picture at least")
      }
      let pictures = try texts.enumerated().map { index, text in
        let name = "controlnet_images[\(index)]"
        return try Picture(RequestFields.bytes(ofBase64: text, name), path: name)
      }
      let found = try await ComputeQueue.run { _ in
        try pictures.map { picture in
          guard let canny else { return picture }
          return try picture.resized(shorterSide: side > 0 ? side : 512)
            .cannyEdges(low: canny.low, high: canny.high)
        }
      }
      return Response(
        json: .object([
          "images": .array(try found.map { try $0.base64() }), "info": "Success",
          "notes": .array(fields.notes.map(JSONValue.string)),
        ]))
    }
  }
}

/// One unit.
enum WebUIControl {
  /// The module that makes nothing of a picture.
  static let none = "none"

  /// Takes the units of a body into a request.
  ///
  /// - Parameters:
  ///   - fields: the body.
  ///   - request: the request.
  ///   - addOns: where the networks are.
  /// - Throws: ``ServerError`` for values that make no sense, and what is wrong with a picture.
  static func take(_ fields: RequestFields, into request: inout ImageRequest, from addOns: AddOns)
    throws
  {
    guard let scripts = try fields.object("alwayson_scripts") else { return }
    for name in ["ControlNet", "controlnet"] {
      for unit in try scripts.object(name)?.objects("args") ?? []
      where try unit.bool("enabled") ?? true {
        try take(unit: unit, into: &request, from: addOns)
      }
    }
  }

  private static func take(
    unit: RequestFields, into request: inout ImageRequest, from addOns: AddOns
  ) throws {
    guard let name = try unit.string("model"), name.lowercased() != none else {
      throw ServerError.field(name: unit.path("model"), reason: "name a network of model_list")
    }
    let path = try addOns.path(
      of: WebUIPicture.plainName(name), .control, field: unit.path("model"))
    let other = try unit.picture("input_image")
    guard let given = try unit.picture("image") ?? other ?? request.initialPicture else {
      throw ServerError.field(name: unit.path("image"), reason: "it is missing")
    }
    var picture = given
    if let canny = try thresholds(try unit.string("module") ?? none, unit, prefix: "") {
      let size = (request.width ?? picture.width, request.height ?? picture.height)
      picture = try picture.resized(width: size.0, height: size.1)
        .cannyEdges(low: canny.low, high: canny.high)
    }
    var control = Control(network: path, picture: picture)
    control.strength = try unit.float("weight", in: 0...10) ?? 1
    control.start = try unit.number("guidance_start", in: 0...1) ?? 0
    control.end = try unit.number("guidance_end", in: 0...1) ?? 1
    request.controls.append(control)
    switch unit.value("control_mode") {
    case nil, 0, "Balanced": break
    case 2, "ControlNet is more important": request.guessMode = true
    default:
      throw ServerError.unsupported(
        name: unit.path("control_mode"),
        remedy: "give Balanced, or ControlNet is more important")
    }
    unit.pass("enabled", "threshold_a", "threshold_b")
    unit.pass(idle: [
      "resize_mode": ["Just Resize", 0], "low_vram": [false, true], "lowvram": [false, true],
      "pixel_perfect": [true, false], "processor_res": [512, -1, 64], "hr_option": ["Both"],
      "guessmode": [false], "save_detected_map": [false, true],
    ])
    if let mask = unit.value("mask")?.string, !mask.isEmpty {
      throw ServerError.unsupported(
        name: unit.path("mask"), remedy: "leave it out: networks follow the whole picture")
    }
  }

  /// The thresholds of Canny's detector; nil for the module that leaves pictures as they are.
  ///
  /// - Parameters:
  ///   - module: its name.
  ///   - fields: where the thresholds are.
  ///   - prefix: what their names begin with.
  /// - Returns: the lower and the higher one.
  /// - Throws: ``ServerError/field(name:reason:)``.
  static func thresholds(_ module: String, _ fields: RequestFields, prefix: String)
    throws(ServerError) -> (low: Int, high: Int)?
  {
    let names = ("\(prefix)threshold_a", "\(prefix)threshold_b")
    // Less than 0 is the module's own.
    let low = try fields.number(names.0, in: -1...255) ?? -1
    let high = try fields.number(names.1, in: -1...255) ?? -1
    switch module.lowercased() {
    case none:
      fields.leave(names.0, names.1)
      return nil
    case Control.Preprocessor.canny.rawValue:
      return (low < 0 ? 100 : Int(low), high < 0 ? 200 : Int(high))
    default:
      throw .field(
        name: fields.path(prefix.isEmpty ? "module" : "\(prefix)module"),
        reason: "there is no module \(JSON.quoted(module)); there are: none, canny")
    }
  }
}

extension Picture {
  /// The picture with another shorter side.
  ///
  /// - Parameter side: its pixels.
  /// - Returns: the picture.
  /// - Throws: `PictureError` for a picture that becomes too large.
  fileprivate func resized(shorterSide side: Int) throws(PictureError) -> Picture {
    let factor = Double(side) / Double(min(width, height))
    func scaled(_ length: Int) -> Int { Int(min(1e9, Double(length) * factor).rounded()) }
    return try resized(width: scaled(width), height: scaled(height))
  }
}
