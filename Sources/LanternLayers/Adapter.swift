import LanternPlatform
package import LanternFormats
import LanternTensor

/// An adapter: a file of what is added to a model's weights, as ``AdapterKind/all`` has it: a product of two
/// thin matrices (LoRA), and its relatives; with magnitudes where there are any (DoRA, Liu et al. 2024,
/// arXiv:2402.09353).
///
/// Where the scale stands differs: kohya keeps an alpha for each layer, PEFT an
/// `adapter_config.json`, newer diffusers the same settings in the file's header; without any of
/// them alpha equals the rank.
package struct Adapter: Sendable {
  /// A layer's tensors, by their names in the file.
  private struct Layer: Sendable {
    var spelling = ""
    var names: [AdapterRole: String] = [:]
    var alpha: Float?
    /// Scale of its product, at full strength.
    var scale: Float = 1

    /// The role and name of what is added to a bias.
    var bias: (role: AdapterRole, name: String)? {
      [AdapterRole.bias, .diffB, .bNorm].lazy.compactMap { role in
        names[role].map { (role, $0) }
      }
      .first
    }
    /// Whether something is added to the weight, or replaces it.
    var changesWeight: Bool { names.keys.contains { !$0.isAdditional || $0 == .saved } }
    /// Whether its tensors, but for a scale's, go together.
    var isWhole: Bool {
      guard names.keys.contains(where: { !$0.isAdditional }) else {
        return names[.saved] != nil || names[.savedBias] != nil || bias != nil
      }
      return AdapterKind.of(names.keys) != nil
    }
  }

  private let file: any TensorFile
  private let strengths: Strengths
  /// Layers by component and by their names with `_` for `.`.
  private let layers: [String: [String: Layer]]
  /// Layers of a component that the model has.
  private let fitting = Locked<[String: Set<String>]>([:])
  /// The denoiser's layers, in each spelling, where strengths are by block.
  private let visited = Locked<Set<[String]>>([])
  /// Notes on what is ignored, or assumed where it is missing: a line each.
  package let notes: [String]

  /// Reads a file's names and scales; its factors are read when they are added.
  ///
  /// - Parameters:
  ///   - file: the adapter's.
  ///   - config: the path of PEFT's settings next to it, which hold for names as PEFT writes them.
  ///   - component: the one that names without a component are for; known by the names when nil.
  ///   - readsSaved: whether layers that were saved whole (PEFT's `modules_to_save`) replace the model's.
  ///   - strengths: how much of it is added.
  /// - Throws: ``ModelError`` for names that are no adapter's, settings that are not read, and tensors
  ///   that do not go together.
  package init(
    _ file: any TensorFile, config: String? = nil, of component: String? = nil,
    readsSaved: Bool = false, strengths: Strengths
  ) throws(ModelError) {
    self.file = file
    self.strengths = strengths
    var (layers, isPEFT, notes) = try Self.layers(of: file, component, readsSaved: readsSaved)
    let settings = try AdapterSettings.byComponent(
      of: file, config: isPEFT ? config : nil, readsSaved: readsSaved)
    notes += Set(settings.values.flatMap(\.notes)).sorted()
    for (component, parts) in layers {
      let settings = settings[component] ?? settings[""]
      for (name, layer) in parts {
        layers[component]?[name]?.scale = try Self.scale(of: layer, settings, file)
      }
    }
    let all = layers.values.flatMap(\.values)
    if all.allSatisfy({ $0.scale == 0 }) {
      notes.append("\(file.path): adds nothing: alpha is 0")
    } else if settings.isEmpty, all.contains(where: { $0.alpha == nil && $0.names[.down] != nil }) {
      let said = file.metadata["ss_network_alpha"]
      if isPEFT {
        notes.append(
          "\(file.path): the adapter_config.json is missing that holds its strength: alpha is taken "
            + "to equal the rank")
      } else if let said, said != file.metadata["ss_network_dim"] {
        notes.append(
          "\(file.path): its header says alpha \(JSON.quoted(said)), but its layers have none, for "
            + "which alpha equals the rank")
      }
    }
    self.layers = layers
    self.notes = notes
  }

  /// The layers that a file has tensors for, whether PEFT named them, and notes.
  private static func layers(
    of file: any TensorFile, _ component: String?, readsSaved: Bool
  ) throws(ModelError) -> ([String: [String: Layer]], isPEFT: Bool, notes: [String]) {
    var layers: [String: [String: Layer]] = [:]
    var isPEFT = false
    var adapters: Set<String> = []
    let bundled = file.names.filter { $0.hasPrefix(bundle) }
    for name in file.names.sorted() where !name.hasPrefix(bundle) {
      let saved = readsSaved ? AdapterName(saved: name) : nil
      if saved == nil, let stranger = AdapterName.stranger(name) {
        throw .unsupported(what: "\(JSON.quoted(name)) is \(stranger)", file: file.path)
      }
      guard let parsed = saved ?? AdapterName(name) else {
        let kind = CheckpointKind(names: file.names).map { ": this is \($0.name)" } ?? ""
        throw .inconsistent(
          reason:
            "\(JSON.quoted(name)) is nothing of a LoRA for the U-Net or the text encoder\(kind)",
          file: file.path)
      }
      isPEFT = isPEFT || parsed.isPEFT
      if let adapter = parsed.adapter { adapters.insert(adapter) }
      let part = parsed.isPEFT ? component ?? parsed.component : parsed.component
      var layer = layers[part, default: [:]][parsed.layer, default: Layer()]
      layer.spelling = parsed.spelling
      layer.names[parsed.role] = name
      if parsed.role == .alpha { layer.alpha = try number(name, file) }
      layers[part, default: [:]][parsed.layer] = layer
    }
    guard adapters.count <= 1 else {
      throw .unsupported(
        what: "holds several adapters, \(adapters.sorted().joined(separator: ", "))",
        file: file.path)
    }
    for layer in layers.values.flatMap(\.values) { try check(layer, file.path) }
    return (
      layers, isPEFT,
      bundled.isEmpty
        ? []
        : [
          "\(file.path): its embeddings are not read with its layers: add the file as an embedding "
            + "too"
        ]
    )
  }

  /// What names of embeddings that a file holds in addition begin with.
  private static let bundle = "bundle_emb."

  /// Checks that a layer's tensors go together.
  private static func check(_ layer: Layer, _ path: String) throws(ModelError) {
    let names = layer.names
    if !layer.isWhole {
      let there = names.sorted { $0.value < $1.value }.first { $0.key != .alpha } ?? names.first
      throw .inconsistent(
        reason: "\(JSON.quoted(there?.value ?? layer.spelling)) is there without the rest of "
          + "its layer", file: path)
    }
    let scales = [names[.magnitude], names[.doraScale]].compactMap(\.self)
    if let scale = scales.first, names[.embeddingDown] != nil {
      throw .unsupported(what: "\(JSON.quoted(scale)) is of a DoRA for words", file: path)
    }
    if scales.count > 1 || (scales.count == 1 && !layer.changesWeight) {
      throw .inconsistent(reason: "\(JSON.quoted(scales[0])) has no one product", file: path)
    }
  }

  /// Scale of a layer's product, at full strength.
  private static func scale(
    of layer: Layer, _ settings: AdapterSettings?, _ file: any TensorFile
  ) throws(ModelError) -> Float {
    // A scale is that of a product: differences are added as they are.
    guard let kind = AdapterKind.of(layer.names.keys),
      let name = kind.rank.reversed().lazy.compactMap({ layer.names[$0] }).first
    else { return 1 }
    let shape = file.info(name)?.shape ?? []
    guard let rank = shape.first, rank > 0 else {
      throw .inconsistent(
        reason: "\(JSON.quoted(name)) has shape \(shape), which is no factor's", file: file.path)
    }
    if let alpha = layer.alpha { return alpha / Float(rank) }
    guard let settings else { return 1 }
    guard settings.usesMagnitudes == (layer.names[.magnitude] != nil) else {
      throw .inconsistent(
        reason: "\(JSON.quoted(layer.spelling)) has "
          + "\(layer.names[.magnitude] == nil ? "no" : "a") "
          + "magnitude, and \"use_dora\" is \(settings.usesMagnitudes)", file: file.path)
    }
    if let bias = layer.names[.bias], !settings.usesBiases {
      throw .inconsistent(
        reason: "\(JSON.quoted(bias)) is there, and \"lora_bias\" is false", file: file.path)
    }
    return try settings.scale(of: layer.spelling, rank: rank)
  }

  /// Where the file is.
  package var path: String { file.path }

  /// Checks, after a model was built with it, that it is for that model.
  ///
  /// - Returns: a note on layers that the model does not have; nil where it has all.
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` when it has none of them, or not the blocks that
  ///   strengths are for.
  package func checkFit() throws(ModelError) -> String? {
    if let misfit = strengths.blocks?.misfit(visited { $0 }) {
      throw .inconsistent(reason: misfit, file: path)
    }
    let fitting = fitting { $0 }
    let strange = layers.flatMap { component, layers in
      layers.filter { fitting[component]?.contains($0.key) != true }.map {
        "\(component).\($0.value.spelling)"
      }
    }.sorted()
    let shown = strange.prefix(3).map(JSON.quoted).joined(separator: ", ")
    let count = layers.values.map(\.count).reduce(0, +)
    if strange.count == count {
      throw .inconsistent(
        reason: count == 0
          ? "it has no layers"
          : "none of its \(count) layers is in this model, the first are \(shown): it is a LoRA for "
            + "another model", file: path)
    }
    return strange.isEmpty
      ? nil
      : "\(path): \(strange.count) of its \(count) layers are not in this model and add nothing, "
        + "the first \(shown)"
  }

  /// A layer's tensors under the first of its names that the file has.
  private func layer(_ names: [String], of component: String) -> Layer? {
    guard let layers = layers[component], let name = names.first(where: { layers[$0] != nil })
    else { return nil }
    fitting { _ = $0[component, default: []].insert(name) }
    return layers[name]
  }

  /// A weight or bias that was saved whole and replaces the model's; nil where there is none, or its strength
  /// is 0.
  func saved(_ names: [String], of component: String, isBias: Bool, shape: [Int])
    throws(ModelError) -> Tensor?
  {
    guard let name = layer(names, of: component)?.names[isBias ? .savedBias : .saved],
      strengths[component, names] != 0
    else { return nil }
    let found = try factor(name)
    guard found.shape == shape else { throw misfit(name, "\(shape)", found.shape) }
    return found
  }

  /// Whether something is added to a layer's weight, or replaces it.
  func hasWeight(_ names: [String], of component: String) -> Bool {
    layer(names, of: component)?.changesWeight ?? false
  }

  /// Layers to whose bias something is added, with `_` for `.`, sorted.
  func layersWithBias(of component: String) -> [String] {
    (layers[component] ?? [:]).filter { $0.value.bias != nil }.keys.sorted()
  }

  /// Whether something is added to a layer's bias, be there one or not.
  func hasBias(_ names: [String], of component: String) -> Bool {
    layer(names, of: component).map { $0.bias != nil || $0.names[.savedBias] != nil } ?? false
  }

  /// What is added to a layer's bias; nil where nothing is.
  ///
  /// - Throws: ``ModelError`` when it is not of that shape, or not finite.
  func biasChange(to names: [String], of component: String, shape: [Int]) throws(ModelError)
    -> Tensor?
  {
    guard let layer = layer(names, of: component), let (role, name) = layer.bias else { return nil }
    let bias = try factor(name)
    guard bias.shape == shape else { throw misfit(name, "\(shape)", bias.shape) }
    do {
      return try bias * (strengths[component, names] * (role == .bias ? layer.scale : 1))
    } catch {
      throw .tensor(error)
    }
  }

  /// What is added to a layer's weight.
  ///
  /// - Parameters:
  ///   - names: the layer's, with `_` for `.`, in the spellings that files may have.
  ///   - component: such as `unet`.
  ///   - weight: what it is added to.
  /// - Returns: a tensor of that shape; nil where nothing is added.
  /// - Throws: ``ModelError`` when the factors do not make that shape, or are not finite.
  func change(to names: [String], of component: String, weight: Tensor) throws(ModelError)
    -> Tensor?
  {
    if component == "unet", strengths.blocks != nil { visited { _ = $0.insert(names) } }
    guard let layer = layer(names, of: component), let kind = AdapterKind.of(layer.names.keys)
    else { return nil }
    var factors: [AdapterRole: Tensor] = [:]
    for (role, name) in layer.names where !role.isAdditional { factors[role] = try factor(name) }
    let strength = strengths[component, names]
    var product: Tensor?
    do {
      product = try kind.change(factors, weight.shape)
    } catch {
      throw .tensor(error)
    }
    guard let product else { throw misfit(layer, weight.shape) }
    do {
      if let name = layer.names[.magnitude] {
        let lengths = try lengths(name, along: 0, of: weight.shape)
        return try turned(weight, by: product * (strength * layer.scale), to: lengths, name, 0)
      }
      if let name = layer.names[.doraScale] {
        // Its first axis is as long as the weight's, or 1.
        let isOfRows = file.info(name)?.shape.first == weight.shape[0]
        let lengths = try lengths(name, along: isOfRows ? 0 : 1, of: weight.shape)
        let change = try turned(
          weight, by: product * layer.scale, to: lengths, name, isOfRows ? 0 : 1)
        return try change * strength
      }
      return try product * (strength * layer.scale)
    } catch let error as TensorError {
      throw .tensor(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: path)
    }
  }

  /// The lengths that vectors along an axis of a weight are to have.
  private func lengths(_ name: String, along axis: Int, of shape: [Int]) throws -> Tensor {
    let found = try factor(name)
    guard shape.count > axis, found.shape.filter({ $0 != 1 }) == [shape[axis]].filter({ $0 != 1 })
    else { throw misfit(name, "\(shape.prefix(axis + 1).suffix(1))", found.shape) }
    return found
  }

  /// What turns a weight into one in the direction of `weight + product` whose vectors at each position of
  /// `axis` have given lengths.
  private func turned(
    _ weight: Tensor, by product: Tensor, to lengths: Tensor, _ name: String, _ axis: Int
  ) throws -> Tensor {
    let weight = try weight.converted(to: .float32)
    let sum = try weight + product
    let count = weight.shape[axis]
    let rows = try sum.reshaped([sum.shape[0], axis == 0 ? 1 : count, -1]).transposed(0, axis)
      .reshaped([count, -1])
    let squares = try (rows * rows).sum().floats()
    let factors = zip(try lengths.floats(), squares).map { $0 / $1.squareRoot() }
    guard factors.allSatisfy(\.isFinite) else { throw ModelError.notFinite(name: name, file: path) }
    var shape = [Int](repeating: 1, count: sum.rank)
    shape[axis] = count
    return try sum * Tensor(factors, shape: shape) - weight
  }

  private func misfit(_ layer: Layer, _ wanted: [Int]) -> ModelError {
    let names = layer.names.filter { !$0.key.isAdditional }.values.sorted()
    let shapes = names.map { "\(JSON.quoted($0)) has shape \(file.info($0)?.shape ?? [])" }
    return .inconsistent(
      reason: "\(shapes.joined(separator: ", ")), and this model's weight has shape \(wanted): "
        + "it is a LoRA for another model", file: path)
  }

  private func misfit(_ name: String, _ wanted: String, _ found: [Int]) -> ModelError {
    .inconsistent(
      reason:
        "\"\(name)\" has shape \(found), and this model would take \(wanted): it is a LoRA for "
        + "another model", file: path)
  }

  private static func number(_ name: String, _ file: any TensorFile) throws(ModelError) -> Float {
    do {
      if let value = try file.number(name), value.isFinite { return Float(value) }
    } catch {
      throw .file(error)
    }
    throw .inconsistent(reason: "\"\(name)\" is not one number", file: file.path)
  }

  private func factor(_ name: String) throws(ModelError) -> Tensor {
    let found: Tensor?
    do {
      found = try file.tensor(name)
    } catch {
      throw .file(error)
    }
    guard let found else { throw .missingTensor(name: name, file: path) }
    guard found.dtype.isFloatingPoint else {
      throw .wrongType(name: name, found: found.dtype, file: path)
    }
    guard found.isFiniteEverywhere else { throw .notFinite(name: name, file: path) }
    do {
      return try found.converted(to: .float32)
    } catch {
      throw .tensor(error)
    }
  }
}
