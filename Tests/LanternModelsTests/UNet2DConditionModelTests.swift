import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// The fixture holds small U-Nets and what diffusers computes with them:
/// tools/fixtures/unet_2d_condition.py.
@Suite struct UNet2DConditionModelTests {
  private func make(_ config: Config, _ weights: Weights) throws(ModelError) -> UNet2DConditionModel
  {
    try UNet2DConditionModel(UNet2DConditionConfig(config), weights)
  }

  private func reference(_ name: String) throws -> ModelFixture {
    try ModelFixture("unet_2d_condition", name)
  }

  @Test(
    "predictions equal those of diffusers, whatever the levels, heads, layers and odd sizes",
    arguments: ["sd1", "sd2", "mixed", "single", "distilled"])
  func parity(name: String) throws {
    let reference = try reference(name)
    let model = try reference.build(make)
    let times = reference.names("out.")
    #expect(times.count == 3)
    for time in times {
      let predict = try model.conditioned(
        on: Conditioning(states: reference.tensor("context")))
      let found = try predict(reference.tensor("latent"), #require(Float(time)))
      try expectEqual(found, reference.tensor("out.\(time)"), relative: 2e-5, "\(name) at \(time)")
    }
  }

  @Test("a picture in a batch is what it is alone, to the bit", arguments: ["sd1", "sd2"])
  func batch(name: String) throws {
    let reference = try reference(name)
    let model = try reference.build(make)
    let (latent, context) = (try reference.tensor("latent"), try reference.tensor("context"))
    let both = try model.conditioned(on: Conditioning(states: context))(latent, 481)
    for index in 0..<2 {
      let range = index..<index + 1
      let own = Conditioning(states: try context.sliced(axis: 0, range).contiguous())
      let alone = try model.conditioned(on: own)(
        latent.sliced(axis: 0, range).contiguous(), 481)
      #expect(try alone.floats() == both.sliced(axis: 0, range).floats())
    }
  }

  @Test("settings that diffusers leaves out have its defaults")
  func defaults() throws {
    let reference = try reference("sd1")
    let defaultValue = [
      "act_fn", "attention_type", "conv_in_kernel", "conv_out_kernel", "downsample_padding",
      "flip_sin_to_cos", "freq_shift", "in_channels", "mid_block_scale_factor", "mid_block_type",
      "norm_eps", "only_cross_attention", "out_channels", "transformer_layers_per_block",
      "time_embedding_dim", "time_embedding_type", "upcast_attention", "use_linear_projection",
    ]
    let model = try reference.build(make) { config, _ in
      for key in defaultValue { config[key] = nil }
    }
    let predict = try model.conditioned(
      on: Conditioning(states: reference.tensor("context")))
    let found = try predict(reference.tensor("latent"), 0)
    try expectEqual(found, reference.tensor("out.0.000"), relative: 2e-5)
  }

  @Test("a checkpoint that does not fit is refused by the tensor's name")
  func checkpoints() throws {
    let reference = try reference("sd1")
    let name = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    #expect(
      try reference.complaintOfWeights(make) { $0[name] = nil } == """
        model.safetensors: no tensor "\(name)", which its configuration calls for; use \
        the config.json and the weights of one and the same model
        """)
    #expect(
      try reference.complaintOfWeights(make) {
        $0[name] = try Tensor(repeating: 0, shape: [8, 13])
      } == """
        model.safetensors: tensor "\(name)" has shape [8, 13], but the configuration calls for \
        [8, 12]; use the config.json and the weights of one and the same model
        """)
    #expect(
      try reference.complaintOfWeights(make) {
        $0["conv_in.weight"] = try Tensor(repeating: 0, shape: [8, 4, 3])
      }.contains("\"conv_in.weight\" has shape [8, 4, 3], but the configuration calls for [8, 4, 3")
    )
    #expect(
      try reference.complaintOfWeights(make) {
        $0["conv_out.lora"] = try Tensor(repeating: 0, shape: [1])
        $0["extra"] = try Tensor(repeating: 0, shape: [1])
      } == """
        model.safetensors: 2 tensors have no place in the model that the configuration describes, \
        the first "conv_out.lora"; use the config.json and the weights of one model
        """)
    #expect(
      try reference.complaintOfWeights(make) {
        $0["conv_out.bias"] = try Tensor([0, .nan, 0, 0], shape: [4])
      } == """
        model.safetensors: tensor "conv_out.bias" holds NaN or infinity; the file is damaged, \
        fetch it again, or its training failed
        """)
    #expect(
      try reference.complaintOfWeights(make) {
        $0["conv_out.bias"] = try Tensor([0, 1, 2, 3] as [Int32], shape: [4])
      } == """
        model.safetensors: tensor "conv_out.bias" holds i32 numbers; weights must be f32, f16 or \
        bf16
        """)
    #expect(try reference.complaintOfWeights(make) { $0 = [:] }.contains("no tensor \"conv_in."))
  }

  @Test(
    "settings of other architectures are refused by name",
    arguments: [
      ("act_fn", .string("mish")), ("addition_embed_type", .string("image")),
      ("center_input_sample", .bool(true)), ("class_embed_type", .string("timestep")),
      ("dual_cross_attention", .bool(true)), ("encoder_hid_dim", .integer(7)),
      ("mid_block_type", .string("UNetMidBlock2DSimpleCrossAttn")),
      ("num_attention_heads", .integer(8)),
      ("only_cross_attention", .bool(true)),
      ("resnet_time_scale_shift", .string("scale_shift")),
    ] as [(String, JSONValue)])
  func unsupported(key: String, value: JSONValue) throws {
    let shown = JSON.write(value)
    #expect(
      try reference("sd1").complaint(make, key, value)
        == "config.json: \"\(key)\" is \(shown), which Lantern does not support; take a model without it"
    )
  }

  @Test("a block of another kind is refused by name, on the way down and up")
  func blocks() throws {
    let kinds: JSONValue = .array([.string("AttnDownBlock2D"), .string("DownBlock2D")])
    for key in ["down_block_types", "up_block_types"] {
      #expect(
        try reference("sd1").complaint(make, key, kinds)
          == "config.json: \"\(key)\" is AttnDownBlock2D, which Lantern does not support; take a model without it"
      )
    }
  }

  @Test(
    "settings that contradict each other, or that no memory could hold, are refused",
    arguments: [
      ("attention_head_dim", .integer(0)), ("attention_head_dim", .integer(3)),
      ("block_out_channels", .array([])), ("block_out_channels", .array([.integer(8)])),
      ("block_out_channels", .array([.integer(8), .integer(-16)])),
      ("block_out_channels", .array([.integer(8), .integer(15)])),
      ("block_out_channels", .string("8")), ("conv_in_kernel", .integer(2)),
      ("cross_attention_dim", .number(1.5)), ("in_channels", .integer(1 << 60)),
      ("layers_per_block", .array([.integer(1)])), ("layers_per_block", .integer(1 << 40)),
      ("transformer_layers_per_block", .array([.array([.integer(1), .integer(1)]), .integer(1)])),
      ("transformer_layers_per_block", .array([.array([]), .integer(1)])),
      ("reverse_transformer_layers_per_block", .array([.array([1, 1, 1]), .integer(1)])),
      ("reverse_transformer_layers_per_block", .array([.integer(0), .integer(1)])),
      ("norm_num_groups", .integer(0)), ("norm_num_groups", .integer(7)),
      ("sample_size", .array([8, 16, 32].map(JSONValue.integer))),
      ("time_embedding_dim", .integer(-1)),
    ] as [(String, JSONValue)])
  func contradictions(key: String, value: JSONValue) throws {
    let complaint = try reference("sd1").complaint(make, key, value)
    #expect(complaint.hasPrefix("config.json: "), "\(complaint)")
  }

  @Test("numbers of channels and depths that the checkpoint has not end in an error at once")
  func sizesWithoutWeights() throws {
    let reference = try reference("sd1")
    for (key, value) in [
      ("block_out_channels", [9, 16]), ("layers_per_block", [60_000, 60_000]),
      ("transformer_layers_per_block", [60_000, 60_000]),
    ] {
      #expect(throws: ModelError.self) {
        try reference.build(make) { config, _ in
          config[key] = .array(value.map(JSONValue.integer))
          config["norm_num_groups"] = .integer(1)
          config["attention_head_dim"] = .integer(1)
        }
      }
    }
  }
}
