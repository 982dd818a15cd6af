import LanternFormats

extension ForeignRecipe {
  /// Reads the JSON of SwarmUI, InvokeAI, Fooocus, NovelAI or ComfyUI, told apart by what is in it.
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
      if let prompt, values["prompt"] == nil { take("prompt", prompt, as: .prompt) }
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
  private init(_ members: [String: JSONValue], of program: String, _ table: [String: Setting]) {
    self.init(program: program)
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      guard let setting = table[name] else {
        pass(over: name, Self.text(of: value))
        continue
      }
      take(name, Self.text(of: value), as: setting)
    }
  }

  /// A value as another program's text would have it.
  static func text(of value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .object(let members):
      // A model is an object with a name.
      (members["name"] ?? members["model_name"])?.string ?? JSON.write(value)
    case .array(let values) where values.isEmpty: ""
    default: JSON.write(value)
    }
  }

  private static let swarm: [String: Setting] = [
    "prompt": .prompt, "negativeprompt": .negative, "model": .model, "seed": .seed,
    "steps": .steps, "cfgscale": .guidance, "width": .width, "height": .height,
    "sampler": .sampler, "scheduler": .schedule, "clipstopatlayer": .clipLayer,
    "initimagecreativity": .strength, "aspectratio": .told, "images": .told,
    "swarm_version": .told, "automaticvae": .told, "personalnote": .told,
  ]

  private static let invoke: [String: Setting] = [
    "positive_prompt": .prompt, "negative_prompt": .negative, "model": .model, "seed": .seed,
    "steps": .steps, "cfg_scale": .guidance, "width": .width, "height": .height,
    "scheduler": .sampler, "clip_skip": .clipSkip, "strength": .strength,
    "cfg_rescale_multiplier": .rescale, "generation_mode": .told, "app_version": .told,
  ]

  private static let novel: [String: Setting] = [
    "prompt": .prompt, "uc": .negative, "seed": .seed, "steps": .steps, "scale": .guidance,
    "width": .width, "height": .height, "sampler": .sampler, "noise_schedule": .schedule,
    "strength": .strength, "cfg_rescale": .rescale, "request_type": .told, "signed_hash": .told,
    "n_samples": .told, "version": .told,
  ]

  private static let fooocus: [String: Setting] = [
    "prompt": .prompt, "negative_prompt": .negative, "base_model": .model,
    "base_model_hash": .told, "seed": .seed, "steps": .steps, "guidance_scale": .guidance,
    "resolution": .size, "sampler": .sampler, "scheduler": .schedule, "clip_skip": .clipSkipFromOne,
    "metadata_scheme": .told, "version": .told, "created_by": .told, "performance": .told,
  ]
}
