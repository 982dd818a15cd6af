package import LanternFormats
package import LanternLayers

extension TransformerNames {
  /// What stands before a module's name in an adapter's tensors, where its parts are joined by dots.
  private static let beginnings = ["base_model.model.", "diffusion_model.", "transformer.", ""]
  /// And where they are joined by `_`, as kohya and LyCORIS have them.
  private static let flatBeginnings = ["lora_unet_", "lycoris_"]

  /// Endings of tensors whose first axis is that of the layer's outputs.
  private static let ofOutputs = [
    ".lora_up.weight", ".lora_B.weight", ".lora.up.weight", ".diff", ".diff_b", ".hada_w1_a",
    ".hada_w2_a", ".dora_scale",
  ]
  /// Endings of tensors whose second axis is that of the layer's inputs.
  private static let ofInputs = [
    ".lora_down.weight", ".lora_A.weight", ".lora.down.weight", ".hada_w1_b", ".diff",
  ]

  /// An adapter's tensors under diffusers' names: what is added to several modules in one becomes an adapter of each.
  ///
  /// - Parameter file: the adapter's.
  /// - Returns: the same tensors, those of the original code's names under diffusers'.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for one that cannot be divided.
  package func adapter(_ file: any TensorFile) throws(ModelError) -> any TensorFile {
    var views: [(name: String, view: TensorView)] = []
    for name in file.names {
      guard let found = layer(of: name) else {
        views.append((name, TensorView(name)))
        continue
      }
      views += try parts(of: found, name, in: file)
    }
    return RenamedFile(file, views)
  }

  /// A module that an adapter's tensor is for.
  private struct Layer {
    /// What stands before the name in the new file.
    let lead: String
    let block: String
    let target: Target
    /// What stands before the ending in the file.
    let stem: String
    let ending: String
  }

  private func layer(of name: String) -> Layer? {
    for beginning in Self.flatBeginnings where name.hasPrefix(beginning) {
      guard let dot = name.firstIndex(of: ".") else { return nil }
      let flat = String(name[..<dot].dropFirst(beginning.count))
      return target(ofFlat: flat).map { block, target in
        Layer(
          lead: "transformer.", block: block, target: target, stem: String(name[..<dot]),
          ending: String(name[dot...]))
      }
    }
    for beginning in Self.beginnings where name.hasPrefix(beginning) {
      var end = name.endIndex
      while let dot = name[..<end].lastIndex(of: "."), dot > name.startIndex {
        end = dot
        let module = String(name[..<dot].dropFirst(beginning.count))
        if let (block, target) = target(of: module) {
          return Layer(
            lead: beginning.hasPrefix("base") ? beginning : "transformer.", block: block,
            target: target, stem: String(name[..<dot]), ending: String(name[dot...]))
        }
      }
      if !beginning.isEmpty { return nil }
    }
    return nil
  }

  /// What a module is whose parts are joined by `_`.
  private func target(ofFlat module: String) -> (block: String, target: Target)? {
    func flat(_ name: String) -> String { name.replacing(".", with: "_") }
    if let found = root.first(where: { flat($0.key) == module }) { return ("", found.value) }
    for list in blocks where module.hasPrefix("\(list.original)_") {
      let rest = module.dropFirst(list.original.count + 1)
      guard let bar = rest.firstIndex(of: "_"), let number = Int(rest[..<bar]),
        let found = list.names.first(where: { flat($0.key) == rest[rest.index(after: bar)...] })
      else { continue }
      return ("\(list.diffusers).\(number).", found.value)
    }
    return nil
  }

  /// The tensors of an adapter's layers that one of its file's is for.
  private func parts(of layer: Layer, _ name: String, in file: any TensorFile) throws(ModelError)
    -> [(name: String, view: TensorView)]
  {
    var view = TensorView(name)
    let hasRows = Self.ofOutputs.contains { layer.ending.hasSuffix($0) || layer.ending == $0 }
    func full(_ to: String) -> String { "\(layer.lead)\(layer.block)\(to)\(layer.ending)" }
    switch layer.target {
    case .one(let to): return [(full(to), view)]
    case .swapped(let to):
      view.swapsHalves = hasRows
      return [(full(to), view)]
    case .swappedPair(let to):
      view.swapsHalves = hasRows && file.size(name, 0) == 2 * inputs(of: layer, in: file)
      return [(full(to), view)]
    case .rows(let names, let rest):
      let others = names + [rest].compactMap(\.self)
      if layer.ending.hasPrefix(".lokr_") {
        throw .unsupported(
          what:
            "\(JSON.quoted(name)) is a Kronecker product (LoKr) for \(others.count) maps in one",
          file: file.path)
      }
      guard hasRows else { return others.map { (full($0), view) } }
      let rows = file.size(name, 0)
      let features = rest == nil ? rows / names.count : inputs(of: layer, in: file)
      guard (1...1 << 20).contains(features), names.count * features <= rows else {
        throw .inconsistent(
          reason:
            "\(JSON.quoted(name)) has shape \(file.info(name)?.shape ?? []), which is not that "
            + "of \(others.count) maps", file: file.path)
      }
      return others.enumerated().map { index, to in
        let begin = index * features
        view.rows = index < names.count ? begin..<begin + features : begin..<rows
        return (full(to), view)
      }
    }
  }

  /// Inputs of a layer; 0 where no tensor shows them.
  private func inputs(of layer: Layer, in file: any TensorFile) -> Int {
    let name = Self.ofInputs.map { layer.stem + $0 }.first(where: file.contains)
    return name.map { file.size($0, 1) } ?? 0
  }
}
