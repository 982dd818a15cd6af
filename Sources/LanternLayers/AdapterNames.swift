/// The layer and role of an adapter's tensor, parsed from its name in any of the usual spellings:
/// PEFT's (`base_model.model.….lora_A.weight`), diffusers' (`unet.….lora_A.weight`, and older
/// `….lora.down.weight` and `….processor.to_q_lora.down.weight`), kohya's
/// (`lora_unet_….lora_down.weight`) and LyCORIS' (`lora_unet_….hada_w1_a`).
struct AdapterName {
  /// Such as `unet`.
  let component: String
  /// The layer's name as the file spells it, without what stands before it.
  let spelling: String
  let role: AdapterRole
  /// What PEFT calls the adapter where the file says so.
  let adapter: String?
  /// Whether the name is as PEFT writes it.
  let isPEFT: Bool

  /// What PEFT's names begin with.
  private static let lead = "base_model.model."

  /// The layer's name with `_` for `.`.
  var layer: String { Self.plain(spelling) }

  /// Endings of names, and the roles they stand for.
  private static let endings: [(ending: String, role: AdapterRole)] =
    [
      (".lora_down.weight", .down), (".lora_up.weight", .up), (".lora.down.weight", .down),
      (".lora.up.weight", .up), (".lora_linear_layer.down.weight", .down),
      (".lora_linear_layer.up.weight", .up), ("_lora.down.weight", .down),
      ("_lora.up.weight", .up), (".lora_mid.weight", .mid),
    ] + AdapterRole.namedAsInFiles.map { (".\($0.rawValue)", $0) }

  /// PEFT's infixes between a layer's name and the adapter's, and the suffixes that may follow.
  private static let marks: [(mark: String, endings: [(String, AdapterRole)])] = [
    (".lora_A", [("weight", .down)]), (".lora_B", [("weight", .up), ("bias", .bias)]),
    (".lora_embedding_A", [("", .embeddingDown)]), (".lora_embedding_B", [("", .embeddingUp)]),
    (".lora_magnitude_vector", [("", .magnitude), ("weight", .magnitude)]),
  ]

  private static let beginnings: [(beginning: String, component: String)] = [
    ("lora_unet_", "unet"), ("lycoris_unet_", "unet"), ("unet.", "unet"),
    ("diffusion_model.", "unet"), ("transformer.", "unet"), ("lora_transformer_", "unet"),
    ("lora_te_", "text_encoder"), ("lora_te1_", "text_encoder"), ("text_encoder.", "text_encoder"),
    ("te1.", "text_encoder"), ("text_encoders.clip_l.transformer.", "text_encoder"),
    ("lora_te2_", "text_encoder_2"), ("text_encoder_2.", "text_encoder_2"),
    ("te2.", "text_encoder_2"), ("text_encoders.clip_g.transformer.", "text_encoder_2"),
    ("lora_te3_", "text_encoder_3"), ("text_encoder_3.", "text_encoder_3"),
  ]

  /// The first parts of layers' names, for names that begin with them.
  private static let first: [(component: String, beginnings: [String])] = [
    ("text_encoder", ["text_model.", "encoder.layers.", "embeddings.", "final_layer_norm."]),
    (
      "unet",
      [
        "down_blocks.", "mid_block.", "up_blocks.", "conv_in.", "conv_out.", "time_embedding.",
        "add_embedding.", "transformer_blocks.", "single_transformer_blocks.",
      ]
    ),
  ]

  /// Parses the name of a tensor; nil for one that is none of an adapter's.
  init?(_ name: String) {
    guard let (stem, role, adapter) = Self.split(name) else { return nil }
    let isPEFT = stem.hasPrefix(Self.lead)
    var rest = String(isPEFT ? stem.dropFirst(Self.lead.count) : stem[...])
    // PEFT writes the layers of a model as the model has them, and some language models have them in `transformer`.
    let known = Self.beginnings.first {
      rest.hasPrefix($0.beginning) && !(isPEFT && $0.beginning == "transformer.")
    }
    if let known {
      rest.removeFirst(known.beginning.count)
      component = known.component
    } else {
      let first = Self.first.first { $0.beginnings.contains { "\(rest).".hasPrefix($0) } }
      guard let found = first?.component ?? (isPEFT ? "unet" : nil) else { return nil }
      component = found
    }
    (self.role, self.adapter, self.isPEFT) = (role, adapter, isPEFT)
    spelling = rest
  }

  /// The name of a weight or bias of a layer that PEFT saved whole; nil for another one.
  init?(saved name: String) {
    let roles = [(".weight", AdapterRole.saved), (".bias", .savedBias)]
    guard name.hasPrefix(Self.lead), Self(name) == nil,
      let (ending, role) = roles.first(where: { name.hasSuffix($0.0) }),
      !Self.relatives.dropLast().contains(where: { $0.parts.contains(where: name.contains) })
    else { return nil }
    var path = String(name.dropFirst(Self.lead.count).dropLast(ending.count))
    for part in [".modules_to_save.default", ".modules_to_save", ".base_layer"]
    where path.hasSuffix(part) {
      path.removeLast(part.count)
    }
    (component, spelling, self.role, adapter, isPEFT) = ("", path, role, nil, true)
  }

  /// A name's layer, its role there, and the adapter's name.
  private static func split(_ name: String) -> (stem: String, role: AdapterRole, adapter: String?)?
  {
    for (mark, endings) in marks {
      guard let range = name.firstRange(of: mark) else { continue }
      let rest = name[range.upperBound...]
      guard rest.isEmpty || rest.first == "." else { continue }
      let parts = rest.split(separator: ".").map(String.init)
      for (ending, role) in endings {
        let tail = ending.isEmpty ? [] : [ending]
        guard parts.count <= tail.count + 1, Array(parts.suffix(tail.count)) == tail else {
          continue
        }
        let adapter = parts.count > tail.count ? parts[0] : nil
        return (String(name[..<range.lowerBound]), role, adapter)
      }
    }
    guard let (ending, role) = endings.first(where: { name.hasSuffix($0.ending) }) else {
      return nil
    }
    return (String(name.dropLast(ending.count)), role, nil)
  }

  /// A layer's name as both sides spell it: with `_` for `.`, and for the text encoder without the
  /// `text_model` that its weights may or may not begin with.
  static func plain(_ layer: String) -> String {
    var layer = layer.replacing(".", with: "_").replacing("_processor_", with: "_")
    if layer.hasPrefix("text_model_") { layer.removeFirst("text_model_".count) }
    // Older diffusers calls a U-Net's last projection so, and a text encoder's as the U-Net's.
    if layer.hasSuffix("_to_out") { layer += layer.contains("_self_attn_") ? "" : "_0" }
    for part in ["q", "k", "v", "out"] where layer.hasSuffix("_self_attn_to_\(part)") {
      layer = layer.dropLast("to_\(part)".count) + "\(part)_proj"
    }
    return layer
  }

  /// The kind of adapter or layer of a name that Lantern does not read; nil for an unknown one.
  static func stranger(_ name: String) -> String? {
    if name.hasPrefix(lead), AdapterName(name) == nil,
      relatives.allSatisfy({ relative in !relative.parts.contains(where: name.contains) })
    {
      return "of a layer that was saved whole (modules_to_save, bias)"
    }
    return relatives.first { relative in
      relative.parts.contains { part in
        part.hasPrefix("^") ? name.hasPrefix(part.dropFirst()) : name.contains(part)
      } || relative.endings.contains(where: name.hasSuffix)
    }?.kind
  }

  private static let relatives: [(kind: String, parts: [String], endings: [String])] = [
    ("of BOFT", ["boft_"], []), ("of OFT", [".oft_", "oft_blocks", "oft_diag"], []),
    ("of IA³", ["ia3_l"], [".on_input"]), ("of AdaLoRA", ["lora_E", "ranknum"], []),
    ("of VeRA", ["vera_lambda"], []), ("of HRA", ["hra_u"], []),
    ("of GLoRA", [], [".a1.weight", ".a2.weight", ".b1.weight", ".b2.weight", ".bm.weight"]),
    ("of a weight that is replaced or widened", [], [".set_weight", ".reshape_weight"]),
    ("of trained words (trainable_token_indices)", ["trainable_tokens"], []),
    ("of Custom Diffusion", ["custom_diffusion"], []),
    ("of an IP-Adapter", ["^image_proj", "^ip_adapter", "to_k_ip", "to_v_ip"], []),
    ("of vectors of textual inversion", ["^emb_params", "^string_to", "^<"], []),
    ("of XLabs' processors", ["processor.proj_lora", "processor.qkv_lora"], []),
    (
      "of a whole checkpoint in the names of the original code (LDM)",
      ["^model.diffusion_model.", "^cond_stage_model.", "^first_stage_model."], []
    ),
    ("of CLIP's side for pictures", ["vision_model."], []),
    (
      "of a layer that was saved whole (modules_to_save, bias)", ["base_layer", "modules_to_save"],
      []
    ),
  ]
}
