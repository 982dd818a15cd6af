import Lantern
import LanternFormats
import LanternPictures
import TestSupport
import Testing

/// Pictures next to the prompt by IP-Adapters, against those of diffusers: tools/fixtures/tiny_ip_adapter.py.
@Suite struct ImagePromptTests {
  private func reference() throws -> ControlReference { try ControlReference("tiny_ip_adapter") }

  @Test("they count with step caches, other samplers, ControlNets and T2I-Adapters too")
  func together() throws {
    let (reference, generator) = (try reference(), try ControlReference.generator())
    let edges = try reference.picture("edges")
    for change: @Sendable (inout ImageRequest) -> Void in [
      { $0.cache = StepCache("deepcache:2") }, { $0.sampler = "heun" }, { $0.guidance = 1 },
      { $0.controls = [Control(network: fixture("tiny_control/first"), picture: edges)] },
      { $0.controls = [Control(network: fixture("tiny_adapter/full"), picture: edges)] },
    ] {
      var request = try reference.request("plain")
      change(&request)
      let prompted = try generator.draw(request)
      request.imagePrompts = []
      #expect(try generator.draw(request).picture != prompted.picture)
    }
  }

  @Test("released parts are loaded again and draw the same, and a recipe says all but the picture")
  func releasing() throws {
    let reference = try reference()
    var generator = try ControlReference.generator()
    let first = try generator.draw(reference.request("two"))
    generator.retainsComponents = false
    for _ in 0..<2 {
      #expect(try generator.draw(reference.request("two")).picture == first.picture)
    }
    let read = try #require(try PictureRecipe(first.picture.metadata))
    #expect(read.imagePrompts == ["plain.safetensors", "plus.safetensors"])
    #expect(read.request.imagePrompts.map(\.scale) == [0.5, 0.7])
    #expect(read.request.imagePrompts.allSatisfy { $0.picture == nil })
  }

  @Test("a scale of 0 draws as without, which is noted")
  func notes() throws {
    let (reference, generator) = (try reference(), try ControlReference.generator())
    var request = try reference.request("plain")
    request.imagePrompts[0].scale = 0
    let idle = try generator.draw(request)
    #expect(idle.notes.joined().contains("the image prompt plain.safetensors has no effect"))
    request.imagePrompts = []
    #expect(try generator.draw(request).picture == idle.picture)
  }

  @Test("start, end and mask stand in a recipe, and a mask that is missing there is asked for")
  func parts() throws {
    let (reference, generator) = (try reference(), try ControlReference.generator())
    var request = try reference.request("masks")
    (request.imagePrompts[0].start, request.imagePrompts[0].end) = (0.2, 0.8)
    let drawn = try generator.draw(request)
    let recipe = try #require(try PictureRecipe(drawn.picture.metadata))
    #expect(recipe.request.imagePrompts.map(\.start) == [0.2, 0])
    #expect(recipe.request.imagePrompts.map(\.end) == [0.8, 1])
    #expect(recipe.request.imagePrompts.allSatisfy { $0.hadMask && $0.mask == nil })
    request.imagePrompts[0].hadMask = true
    #expect(try generator.draw(request).picture == drawn.picture)
    request.imagePrompts[0].mask = nil
    #expect { try generator.draw(request) } throws: { "\($0)".contains("needs its mask") }
  }

  @Test("what steps, masks and a refiner leave without effect is noted")
  func idleParts() throws {
    let (reference, generator) = (try reference(), try ControlReference.generator())
    func notes(_ change: (inout ImagePrompt) throws -> Void) throws -> String {
      var request = try reference.request("plain")
      try change(&request.imagePrompts[0])
      return try generator.draw(request).notes.joined(separator: "\n")
    }
    let steps = try notes { $0.start = 0.95 }
    #expect(steps.contains("has no effect: of 5 steps none lies within 0.95 to 1.0"), "\(steps)")
    let black = try notes {
      $0.mask = try Mask(width: 8, height: 8, pixels: Array(repeating: 9, count: 64))
    }
    #expect(black.contains("plain.safetensors has no effect: its mask is black"), "\(black)")
    let wide = try notes { $0.mask = try Mask(width: 2, height: 1, pixels: [255, 0]) }
    #expect(wide.contains("the mask of plain.safetensors is 2×1"), "\(wide)")
    #expect(try complaint { ($0.start, $0.end) = (0.5, 0.25) }.contains("steps of plain"))
    #expect(try complaint { $0.end = .nan }.contains("steps of plain"))
    var request = try reference.request("plain")
    (request.imagePrompts[0].end, request.sampler) = (0.5, "dpm_adaptive")
    #expect { try generator.draw(request) } throws: {
      "\($0)".contains("the start or end of an image prompt needs")
    }
  }

  @Test("a whole white mask and all of the steps draw as without")
  func everywhere() throws {
    let (reference, generator) = (try reference(), try ControlReference.generator())
    let plain = try generator.draw(reference.request("plain")).picture
    var request = try reference.request("plain")
    request.imagePrompts[0].mask = try Mask(
      width: 4, height: 4, pixels: Array(repeating: 255, count: 16))
    let masked = try generator.draw(request).picture
    let worst = zip(masked.pixels, plain.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1)
  }

  @Test(
    "adapters and encoders that do not fit, and files that are none, are refused with what to do")
  func refusals() throws {
    #expect(try complaint { $0.picture = nil }.contains("plain.safetensors needs a picture"))
    #expect(try complaint { $0.scale = .nan }.contains("0 to 10"))
    #expect(try complaint("xl") { _ in }.contains("trained for its kind"))
    #expect(try complaint { $0.adapter = "none" }.contains("none"))
    #expect(try complaint { $0.adapter = fixture("tiny_ip_adapter") }.contains("is a file"))
    #expect(
      try complaint {
        $0.adapter = fixture("tiny_pipeline/unet/diffusion_pytorch_model.safetensors")
      }
      .contains("a U-Net"))
    #expect(
      try complaint { $0.encoder = fixture("tiny_pipeline/unet") }.contains("UNet2DCondition"))
    try withTemporaryFolder { folder in
      let file = try SafetensorsFile(fixture("tiny_ip_adapter/plain.safetensors"))
      func write(_ extra: String?, without: String = "-") throws -> String {
        let path = "\(folder)/adapter.safetensors"
        var tensors = try file.names.filter { !$0.contains(without) }.map { name in
          (name, try #require(try file.tensor(name)))
        }
        if let extra { tensors.append((extra, tensors[0].1)) }
        try SafetensorsFile.write(tensors.sorted { $0.0 < $1.0 }, to: path)
        return path
      }
      let encoder = fixture("tiny_ip_adapter/image_encoder")
      func complaint(_ path: String, _ encoder: String?) throws -> String {
        try self.complaint { ($0.adapter, $0.encoder) = (path, encoder) }
      }
      #expect(try complaint(write(nil), encoder) == "drawn")
      #expect(try complaint(write(nil), nil).contains("image encoder"))
      #expect(
        try complaint(write("ip_adapter.0.to_k_lora.down.weight"), encoder).contains("FaceID"))
      #expect(try complaint(write("strange"), encoder).contains("strange"))
      #expect(try complaint(write(nil, without: "norm"), encoder).contains("image_proj.norm"))
      #expect(try complaint(write(nil, without: ".1.to_k"), encoder).contains("no IP-Adapter"))
      let uneven = try complaint(write(nil, without: ".3.to_k"), encoder)
      #expect(uneven.contains("ip_adapter.3.to_v_ip"))
    }
  }

  private func complaint(_ kind: String? = nil, _ change: (inout ImagePrompt) -> Void) throws
    -> String
  {
    var request = try reference().request("plain")
    change(&request.imagePrompts[0])
    do {
      _ = try ControlReference.generator(kind).draw(request)
      return "drawn"
    } catch { return "\(error)" }
  }

  @Test(
    "pictures are resized and cropped as CLIPImageProcessor does, pixel by pixel",
    arguments: ["edges", "depth", "wide", "small"])
  func pixels(name: String) throws {
    let reference = try reference()
    let found = try reference.picture(name).croppedForCLIP(32)
    let mean = [0.48145466, 0.4578275, 0.40821073]
    let deviation = [0.26862954, 0.26130258, 0.27577711]
    let pixels = try #require(try reference.file.tensor("\(name).pixels")).permuted([0, 2, 3, 1])
    let wanted = try pixels.contiguous().floats().enumerated().map { index, value in
      UInt8((255 * (Double(value) * deviation[index % 3] + mean[index % 3])).rounded())
    }
    #expect(found.pixels == wanted)
  }
}
