import Lantern
import LanternFormats
import LanternPictures
import LanternSamplers

/// A picture as stable-diffusion-webui's API asks for it.
struct WebUIPicture {
  var request: ImageRequest
  /// The checkpoint; the server's first model when nil.
  var model: String?
  var count: Int
  var sendsImages: Bool

  /// - Parameters:
  ///   - fields: the body.
  ///   - hasPicture: whether it begins from a picture (`img2img`).
  ///   - addOns: where networks that it names are.
  /// - Throws: ``ServerError`` for values that make no sense.
  init(_ fields: RequestFields, hasPicture: Bool, _ addOns: AddOns) throws {
    request = ImageRequest(prompt: try fields.string("prompt") ?? "")
    request.negativePrompt = try fields.string("negative_prompt") ?? ""
    request.seed = try fields.seed() ?? request.seed
    request.steps = try fields.integer("steps", in: 1...1000)
    request.guidance = try fields.float("cfg_scale", in: 0...1000)
    request.width = try fields.integer("width", in: 1...16384)
    request.height = try fields.integer("height", in: 1...16384)
    for name in ["sampler_index", "sampler_name"] {
      if let sampler = try fields.string(name), !sampler.isEmpty { request.sampler = sampler }
    }
    if let schedule = try fields.string("scheduler"),
      !["", "automatic"].contains(schedule.lowercased())
    {
      request.schedule = schedule
    }
    if let eta = try fields.float("eta", in: 0...1) {
      // webui gives it to the samplers that take it, and clients send it always.
      let row = try request.sampler.map { try SamplerCatalogue.meaning(of: $0).row }
      if row?.defaultEta != nil { request.eta = eta } else { fields.leave("eta") }
    }
    let batch = try fields.integer("batch_size", in: 1...64) ?? 1
    count = batch * (try fields.integer("n_iter", in: 1...64) ?? 1)
    sendsImages = try fields.bool("send_images") ?? true
    model = nil
    if let settings = try fields.object("override_settings") {
      model = try settings.string("sd_model_checkpoint").map(Self.plainName)
      // webui counts the layers that are used, diffusers those that are left out.
      let last = try settings.integer("CLIP_stop_at_last_layers", in: 1...12)
      request.clipSkip = max(0, (last ?? 1) - 1)
    }
    if hasPicture {
      try takePicture(fields)
    } else {
      try takeHires(fields, addOns)
    }
    try WebUIControl.take(fields, into: &request, from: addOns)
    fields.pass(idle: Self.idle)
  }

  /// The name of a model without the hash that webui puts behind it.
  static func plainName(_ title: String) -> String {
    guard let end = title.firstRange(of: " [")?.lowerBound else { return title }
    return String(title[..<end])
  }

  private mutating func takePicture(_ fields: RequestFields) throws {
    guard let pictures = try fields.strings("init_images"), let first = pictures.first else {
      throw ServerError.field(name: "init_images", reason: "give a picture")
    }
    guard pictures.count == 1 else {
      throw ServerError.field(name: "init_images", reason: "give one picture a call")
    }
    request.initialPicture = try Picture(
      RequestFields.bytes(ofBase64: first, "init_images"), path: "init_images[0]")
    request.strength = try fields.number("denoising_strength", in: 0.001...1) ?? 0.75
    let invert = try fields.integer("inpainting_mask_invert", in: 0...1)
    if let mask = try fields.string("mask") {
      var read = try Mask(RequestFields.bytes(ofBase64: mask, "mask"), path: "mask")
      if invert == 1 {
        read = try Mask(
          width: read.width, height: read.height, pixels: read.pixels.map { 255 - $0 })
      }
      request.mask = read
    } else {
      fields.pass(
        "inpaint_full_res", "inpaint_full_res_padding", "inpainting_fill",
        "mask_blur", "mask_blur_x", "mask_blur_y")
    }
  }

  private mutating func takeHires(_ fields: RequestFields, _ addOns: AddOns) throws {
    let denoise = try fields.number("denoising_strength", in: 0...1)
    let isOn = try fields.bool("enable_hr") ?? false
    let factor = try fields.number("hr_scale", in: 1...8) ?? 2
    let (width, height) = (
      try fields.integer("hr_resize_x", in: 0...16384) ?? 0,
      try fields.integer("hr_resize_y", in: 0...16384) ?? 0
    )
    let steps = try fields.integer("hr_second_pass_steps", in: 0...1000) ?? 0
    let upscaler = try fields.string("hr_upscaler")
    let (prompt, negative) = (
      try fields.string("hr_prompt"), try fields.string("hr_negative_prompt")
    )
    let sampler = try fields.string("hr_sampler_name")
    guard isOn else { return }
    let size =
      width > 0 && height > 0
      ? Hires.Size.pixels(.init(width: width, height: height)) : .factor(factor)
    var hires = Hires(size)
    hires.denoise = denoise ?? hires.denoise
    hires.steps = steps > 0 ? steps : nil
    if let upscaler { hires.upscaler = Hires.upscaler(named: upscaler) }
    if let network = hires.network {
      hires.upscaler = try addOns.path(of: network, .upscaler, field: "hr_upscaler")
    }
    hires.prompt = prompt?.isEmpty == false ? prompt : nil
    hires.negativePrompt = negative?.isEmpty == false ? negative : nil
    hires.sampler = sampler?.isEmpty == false ? sampler : nil
    request.hires = hires
  }

  /// Fields that clients send whether or not they mean anything, with the values that mean nothing.
  private static let idle: [String: [JSONValue]] = [
    "styles": [.array([])], "subseed": [-1], "subseed_strength": [0, 0.0],
    "seed_resize_from_h": [-1, 0], "seed_resize_from_w": [-1, 0], "restore_faces": [false],
    "tiling": [false], "do_not_save_samples": [false, true], "do_not_save_grid": [false, true],
    "save_images": [false], "script_args": [.array([])], "script_name": [""],
    "alwayson_scripts": [.object([:])], "s_churn": [0, 0.0], "s_tmin": [0, 0.0],
    "s_tmax": [0, 0.0], "s_noise": [1, 1.0], "s_min_uncond": [0, 0.0], "comments": [.object([:])],
    "override_settings_restore_afterwards": [true, false], "firstphase_width": [0],
    "firstphase_height": [0], "disable_extra_networks": [false],
    "hr_scheduler": ["", "Automatic"],
    "hr_checkpoint_name": [""], "refiner_checkpoint": [""], "refiner_switch_at": [0, 0.0],
    "resize_mode": [0], "mask_blur": [4, 0], "mask_blur_x": [4, 0], "mask_blur_y": [4, 0],
    "inpainting_fill": [0, 1], "inpaint_full_res": [false, 0],
    "inpaint_full_res_padding": [0, 32], "initial_noise_multiplier": [0, 1, 1.0],
    "include_init_images": [false], "image_cfg_scale": [1.5, 0], "latent_mask": [""],
    "enable_hr": [false], "force_task_id": [""], "infotext": [""], "mask_round": [true],
  ]
}
