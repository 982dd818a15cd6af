import LanternPlatform
import LanternFormats

/// The workflow of a ComfyUI picture: nodes by number, each with a kind and inputs, which are
/// values or point to other nodes.
struct ComfyWorkflow {
  /// A node.
  struct Node {
    let id: String
    let kind: String
    let inputs: [String: JSONValue]
  }

  private let nodes: [String: Node]
  /// Nodes that say something of the picture.
  private(set) var understood: Set<String> = []
  /// How many links are followed from one value.
  private static let depthLimit = 32

  init(_ members: [String: JSONValue]) {
    var nodes: [String: Node] = [:]
    for (id, value) in members {
      guard let node = value.object, let kind = node["class_type"]?.string else { continue }
      nodes[id] = Node(id: id, kind: kind, inputs: node["inputs"]?.object ?? [:])
    }
    self.nodes = nodes
  }

  /// The nodes that sample, those from an empty latent first, in the order of their numbers.
  var samplers: [Node] {
    let found = nodes.values.filter {
      $0.kind.hasPrefix("KSampler") && $0.kind != "KSamplerSelect"
        || $0.kind.hasPrefix("SamplerCustom")
    }
    func order(_ node: Node) -> (Int, Int, String) {
      let isFirst = input("latent_image", of: node)?.kind.hasPrefix("Empty") == true
      return (isFirst ? 0 : 1, Int(node.id) ?? .max, node.id)
    }
    return found.sorted { order($0) < order($1) }
  }

  /// The node that an input points to.
  func input(_ name: String, of node: Node) -> Node? {
    node.inputs[name]?.array?.first?.string.flatMap { nodes[$0] }
  }

  /// The first of `names` that has a value in a node, or in those that give it: a number or text
  /// may come from a node that holds nothing else.
  mutating func value(_ names: [String], of node: Node) -> String? {
    for name in names {
      var next: Node? = node
      var wanted = [name]
      for _ in 0..<Self.depthLimit {
        guard let here = next else { break }
        understood.insert(here.id)
        let found = wanted.lazy.compactMap { key in here.inputs[key].map { (key, $0) } }.first
        guard let (key, value) = found else { break }
        guard value.array != nil else { return ForeignRecipe.text(of: value) }
        next = input(key, of: here)
        wanted = ["value", "text", "string", "seed", "noise_seed", "int", "float", key]
      }
    }
    return nil
  }

  /// Follows the input `name` and then whatever leads on, until a node of one of the kinds.
  ///
  /// - Parameters:
  ///   - name: the first input.
  ///   - node: where it begins.
  ///   - onward: inputs that lead on from nodes of other kinds.
  ///   - isWanted: whether a node is what was looked for.
  /// - Returns: the nodes on the way, the wanted one last if it was found.
  func path(
    _ name: String, of node: Node, onward: [String], until isWanted: (Node) -> Bool
  ) -> [Node] {
    var path: [Node] = []
    var next = input(name, of: node)
    while let here = next, path.count < Self.depthLimit {
      path.append(here)
      if isWanted(here) { break }
      next = onward.lazy.compactMap { input($0, of: here) }.first
    }
    return path
  }

  /// Marks nodes as understood.
  mutating func see(_ nodes: [Node]) { understood.formUnion(nodes.map(\.id)) }

  /// Kinds of the nodes that were not read, without those that say nothing of the picture.
  var unreadKinds: [String] {
    let silent = ["Save", "Preview", "VAEDecode", "VAELoader", "Empty", "Note", "Reroute", "Show"]
    let kinds = nodes.values.filter { node in
      !understood.contains(node.id) && !silent.contains { node.kind.hasPrefix($0) }
    }
    return Set(kinds.map(\.kind)).sorted()
  }
}

extension ForeignRecipe {
  /// Reads a workflow: the sampler, what it is conditioned with, its latent and its model.
  ///
  /// - Throws: ``RequestError/foreignSettings(program:reason:)`` where nothing samples.
  init(_ workflow: ComfyWorkflow) throws(RequestError) {
    var flow = workflow
    self.init(program: "ComfyUI")
    guard let sampler = flow.samplers.first else {
      throw .foreignSettings(program: "ComfyUI", reason: "no KSampler is in its workflow")
    }
    // Newer samplers keep apart what KSampler has in one.
    let guider = flow.input("guider", of: sampler) ?? sampler
    let parts =
      ["noise", "sampler", "sigmas"].compactMap { flow.input($0, of: sampler) } + [guider]
    let tables: [([String], ImageSetting)] = [
      (["seed", "noise_seed"], .seed), (["steps"], .steps), (["cfg"], .guidance),
      (["sampler_name"], .sampler), (["scheduler"], .schedule),
    ]
    for (names, setting) in tables {
      for node in [sampler] + parts {
        guard let text = flow.value(names, of: node) else { continue }
        take(names[0], text, as: .of(setting))
        break
      }
    }
    if let sigmas = flow.input("sigmas", of: sampler) {
      if sigmas.kind.hasSuffix("Scheduler"), sigmas.kind != "BasicScheduler" {
        take("scheduler", String(sigmas.kind.dropLast("Scheduler".count)), as: .schedule)
      }
      if let rho = flow.value(["rho"], of: sigmas) { take("rho", rho, as: .rho) }
      for name in ["sigma_max", "sigma_min"] {
        if let text = flow.value([name], of: sigmas) { pass(over: name, text) }
      }
    }
    for name in ["start_at_step", "end_at_step"] {
      if let text = flow.value([name], of: sampler), text != "10000" { pass(over: name, text) }
    }
    takeTexts(guider, &flow)
    takeLatent(sampler, &flow)
    takeModel(guider, &flow)
    for kind in flow.unreadKinds { pass(over: "", kind) }
    if flow.samplers.count > 1 {
      note("ComfyUI's workflow samples more than once: the first is drawn")
    }
  }

  private mutating func takeTexts(_ guider: ComfyWorkflow.Node, _ flow: inout ComfyWorkflow) {
    let onward = [
      "conditioning", "positive", "conditioning_1", "conditioning_to", "conditioning1", "negative",
    ]
    for (name, setting) in [("positive", ImageSetting.prompt), ("negative", .negativePrompt)] {
      let start = name == "positive" && guider.inputs[name] == nil ? "conditioning" : name
      let path = flow.path(start, of: guider, onward: onward) { $0.kind.contains("TextEncode") }
      guard let last = path.last, last.kind.contains("TextEncode") else { continue }
      flow.see([last])
      guard let text = flow.value(["text", "text_g", "prompt", "text_l"], of: last) else {
        continue
      }
      if name == "positive" || !text.isEmpty { take(name, text, as: .of(setting)) }
      let layers = flow.path("clip", of: last, onward: ["clip"]) { $0.kind == "CLIPSetLastLayer" }
      if name == "positive", let node = layers.last,
        let text = flow.value(["stop_at_clip_layer"], of: node)
      {
        take("stop_at_clip_layer", text, as: .clipLayer)
      }
    }
    if values["prompt"] == nil { note("ComfyUI's workflow says no prompt that could be read") }
  }

  private mutating func takeLatent(_ sampler: ComfyWorkflow.Node, _ flow: inout ComfyWorkflow) {
    let path = flow.path("latent_image", of: sampler, onward: ["samples", "latent_image"]) {
      $0.kind.hasPrefix("Empty") || $0.kind.contains("VAEEncode")
    }
    guard let last = path.last else { return }
    flow.see([last])
    if let width = flow.value(["width"], of: last), let height = flow.value(["height"], of: last) {
      take("width", width, as: .of(.width))
      take("height", height, as: .of(.height))
    }
    if last.kind.contains("VAEEncode"), let strength = flow.value(["denoise"], of: sampler) {
      take("denoise", strength, as: .of(.strength))
    }
  }

  private mutating func takeModel(_ guider: ComfyWorkflow.Node, _ flow: inout ComfyWorkflow) {
    let path = flow.path("model", of: guider, onward: ["model"]) {
      $0.kind.contains("CheckpointLoader")
    }
    var loras: [String] = []
    for node in path {
      if node.kind.hasPrefix("LoraLoader"), let name = flow.value(["lora_name"], of: node) {
        loras.append(Self.label(name, flow.value(["strength_model"], of: node) ?? "1"))
      } else if node.kind == "RescaleCFG", let share = flow.value(["multiplier"], of: node) {
        take("multiplier", share, as: .of(.guidanceRescale))
      } else if let name = flow.value(["ckpt_name", "unet_name"], of: node) {
        let file = FileSystem.split(name).name
        take("model", file.replacing(".safetensors", with: ""), as: .model)
      }
    }
    add(loras: loras.reversed())
  }
}
