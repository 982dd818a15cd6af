import LanternFormats

extension ForeignRecipe {
  /// Reads the JSON of SwarmUI, InvokeAI, Fooocus, NovelAI or ComfyUI, recognised by its keys.
  ///
  /// - Parameters:
  ///   - members: the object.
  ///   - key: under which text it stood.
  ///   - prompt: what shows the prompt where that stands in a text of its own.
  /// - Throws: ``RequestError/foreignSettings(program:reason:)`` for what is none of these, or says
  ///   nothing that could be drawn.
  init(json members: [String: JSONValue], under key: String, prompt: String?) throws(RequestError) {
    if let inner = members["sui_image_params"]?.object {
      self.init(inner, of: "SwarmUI", Self.swarm)
    } else if members["positive_prompt"] != nil {
      self.init(members, of: "InvokeAI", Self.invoke)
    } else if members["uc"] != nil || members["noise_schedule"] != nil {
      self.init(members, of: "NovelAI", Self.novel)
      if let prompt, values["prompt"] == nil { take("prompt", prompt, as: .of(.prompt)) }
      if values["prompt"]?.string?.contains("{") == true {
        note("NovelAI's {brackets} weigh words, and are read as plain text here")
      }
    } else if members["base_model"] != nil || members["metadata_scheme"] != nil {
      self.init(members, of: "Fooocus", Self.fooocus)
    } else if members.values.contains(where: { $0.object?["class_type"] != nil }) {
      try self.init(ComfyWorkflow(members))
    } else if members["nodes"] != nil {
      throw .foreignSettings(
        program: key == "invokeai_graph" ? "InvokeAI" : "ComfyUI",
        reason: "its file holds the picture of a workflow, not what was computed")
    } else {
      throw .foreignSettings(
        program: "a program that is not known here", reason: "they are JSON of another kind")
    }
    finish()
  }

  /// Takes over a flat list of settings.
  private init(_ members: [String: JSONValue], of program: String, _ table: [String: Reading]) {
    self.init(program: program)
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      guard let reading = table[name] else {
        pass(over: name, Self.text(of: value))
        continue
      }
      take(name, Self.text(of: value), as: reading)
    }
  }

  /// A value as another program's text would have it.
  static func text(of value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .object(let members, _):
      // A model is an object with a name.
      (members["name"] ?? members["model_name"])?.string ?? JSON.write(value)
    case .array(let values) where values.isEmpty: ""
    default: JSON.write(value)
    }
  }

  private static let swarm: [String: Reading] = [
    "prompt": .of(.prompt), "negativeprompt": .of(.negativePrompt), "model": .model,
    "seed": .of(.seed),
    "steps": .of(.steps), "cfgscale": .of(.guidance), "width": .of(.width), "height": .of(.height),
    "sampler": .of(.sampler), "scheduler": .of(.schedule), "clipstopatlayer": .clipLayer,
    "initimagecreativity": .of(.strength), "aspectratio": .ignored, "images": .ignored,
    "swarm_version": .ignored, "automaticvae": .ignored, "personalnote": .ignored,
  ]

  private static let invoke: [String: Reading] = [
    "positive_prompt": .of(.prompt), "negative_prompt": .of(.negativePrompt), "model": .model,
    "seed": .of(.seed),
    "steps": .of(.steps), "cfg_scale": .of(.guidance), "width": .of(.width), "height": .of(.height),
    "scheduler": .of(.sampler), "clip_skip": .of(.clipSkip), "strength": .of(.strength),
    "cfg_rescale_multiplier": .of(.guidanceRescale), "generation_mode": .ignored,
    "app_version": .ignored,
  ]

  private static let novel: [String: Reading] = [
    "prompt": .of(.prompt), "uc": .of(.negativePrompt), "seed": .of(.seed), "steps": .of(.steps),
    "scale": .of(.guidance),
    "width": .of(.width), "height": .of(.height), "sampler": .of(.sampler),
    "noise_schedule": .of(.schedule),
    "strength": .of(.strength), "cfg_rescale": .of(.guidanceRescale), "request_type": .ignored,
    "signed_hash": .ignored,
    "n_samples": .ignored, "version": .ignored,
  ]

  private static let fooocus: [String: Reading] = [
    "prompt": .of(.prompt), "negative_prompt": .of(.negativePrompt), "base_model": .model,
    "base_model_hash": .ignored, "seed": .of(.seed), "steps": .of(.steps),
    "guidance_scale": .of(.guidance),
    "resolution": .size, "sampler": .of(.sampler), "scheduler": .of(.schedule),
    "clip_skip": .clipSkipFromOne,
    "metadata_scheme": .ignored, "version": .ignored, "created_by": .ignored,
    "performance": .ignored,
  ]
}
