import LanternPlatform
package import LanternFormats
import LanternTensor

/// A low-rank adapter: a file of products of two thin matrices that are added to a model's weights (LoRA,
/// Hu et al. 2021, arXiv:2106.09685), scaled by alpha over their rank, with magnitudes for all rows where there are
/// any (DoRA, Liu et al. 2024, arXiv:2402.09353).
///
/// Where the strength stands differs: kohya keeps an alpha for each layer, PEFT an
/// `adapter_config.json`, newer diffusers the same settings in the file's header; without any of
/// them alpha equals the rank.
package struct LowRankAdapter: Sendable {
  /// A layer's tensors, by their names in the file.
  private struct Layer: Sendable {
    var spelling = ""
    var down: String?
    var up: String?
    var magnitude: String?
    var bias: String?
    var isEmbedding = false
    var alpha: Float?
    /// Scale of its product, at full strength.
    var scale: Float = 1
  }

  private let file: any TensorFile
  private let strength: Float
  /// Layers by component and by their names with `_` for `.`.
  private let layers: [String: [String: Layer]]
  /// Notes on what is ignored, or assumed where it is missing: a line each.
  package let notes: [String]

  /// Reads a file's names and strengths; its factors are read when they are added.
  ///
  /// - Parameters:
  ///   - file: the adapter's.
  ///   - config: the path of PEFT's settings next to it, which hold for names as PEFT writes them.
  ///   - strength: how much of it is added; 1 is all.
  /// - Throws: ``ModelError`` for names that are no LoRA's, settings that are not read, and tensors
  ///   that do not go together.
  package init(_ file: any TensorFile, config: String? = nil, strength: Float) throws(ModelError) {
    self.file = file
    self.strength = strength
    var (layers, isPEFT) = try Self.layers(of: file)
    let settings = try Self.settings(of: file, config: isPEFT ? config : nil)
    var notes = Set(settings.values.flatMap(\.notes)).sorted()
    for (component, parts) in layers {
      let settings = settings[component] ?? settings[""]
      for (name, layer) in parts {
        layers[component]?[name]?.scale = try Self.scale(of: layer, settings, file)
      }
    }
    let all = layers.values.flatMap(\.values)
    if all.allSatisfy({ $0.scale == 0 }) {
      notes.append("\(file.path): adds nothing: alpha is 0")
    } else if settings.isEmpty, all.contains(where: { $0.alpha == nil }) {
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

  /// The layers that a file has tensors for, and whether PEFT named them.
  private static func layers(of file: any TensorFile) throws(ModelError) -> (
    [String: [String: Layer]], isPEFT: Bool
  ) {
    var layers: [String: [String: Layer]] = [:]
    var isPEFT = false
    var adapters: Set<String> = []
    for name in file.names.sorted() {
      if let stranger = AdapterName.stranger(name) {
        throw .unsupported(what: "\(JSON.quoted(name)) is \(stranger)", file: file.path)
      }
      guard let parsed = AdapterName(name) else {
        let kind = CheckpointKind(names: file.names).map { ": this is \($0.name)" } ?? ""
        throw .inconsistent(
          reason:
            "\(JSON.quoted(name)) is nothing of a LoRA for the U-Net or the text encoder\(kind)",
          file: file.path)
      }
      isPEFT = isPEFT || parsed.isPEFT
      if let adapter = parsed.adapter { adapters.insert(adapter) }
      var layer = layers[parsed.component, default: [:]][parsed.layer, default: Layer()]
      layer.spelling = parsed.spelling
      switch parsed.role {
      case .down: layer.down = name
      case .up: layer.up = name
      case .alpha: layer.alpha = try number(name, file)
      case .magnitude: layer.magnitude = name
      case .bias: layer.bias = name
      case .embeddingDown: (layer.down, layer.isEmbedding) = (name, true)
      case .embeddingUp: (layer.up, layer.isEmbedding) = (name, true)
      }
      layers[parsed.component, default: [:]][parsed.layer] = layer
    }
    guard adapters.count <= 1 else {
      throw .unsupported(
        what: "holds several adapters, \(adapters.sorted().joined(separator: ", "))",
        file: file.path)
    }
    for layer in layers.values.flatMap(\.values) {
      if layer.down == nil || layer.up == nil {
        let there = layer.down ?? layer.up ?? layer.magnitude ?? layer.bias
        throw .inconsistent(
          reason: "\(JSON.quoted(there ?? "\(layer.spelling).alpha")) is there without the rest of "
            + "its layer", file: file.path)
      }
      if let magnitude = layer.magnitude, layer.isEmbedding {
        throw .unsupported(
          what: "\(JSON.quoted(magnitude)) is of a DoRA for words", file: file.path)
      }
    }
    return (layers, isPEFT)
  }

  /// PEFT's settings by component; under the empty name those that hold for all.
  private static func settings(of file: any TensorFile, config: String?) throws(ModelError)
    -> [String: AdapterSettings]
  {
    let key = "lora_adapter_metadata"
    do {
      if let text = file.metadata[key] {
        return try settings(text, file: "\(file.path) (\(key))", hasComponents: true)
      }
      guard let config else { return [:] }
      let bytes = try FileSystem.read(config, limit: 16 << 20)
      return try settings(
        String(decoding: bytes, as: UTF8.self), file: config, hasComponents: false)
    } catch let error as FormatError {
      throw .file(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: file.path)
    }
  }

  private static func settings(_ text: String, file: String, hasComponents: Bool) throws
    -> [String: AdapterSettings]
  {
    guard case .object(let members) = try JSON.parse(text: text, file: file) else {
      throw FormatError.malformedJSON(file: file, at: 0, reason: "an object { … } should be here")
    }
    var parts: [String: [String: JSONValue]] = [:]
    for (name, value) in members {
      let component = hasComponents ? components.first { name.hasPrefix("\($0).") } : nil
      let key = component.map { String(name.dropFirst($0.count + 1)) } ?? name
      parts[component ?? "", default: [:]][key] = value
    }
    return try Dictionary(
      uniqueKeysWithValues: parts.map { component, members in
        let lead = component.isEmpty ? "" : "\(component)."
        let settings = try AdapterSettings(members, file: file) { key throws(FormatError) in
          try JSON.keys(at: [lead + key], in: text, file: file)
        }
        return (component, settings)
      })
  }

  private static let components = ["unet", "text_encoder"]

  /// Scale of a layer's product, at full strength.
  private static func scale(
    of layer: Layer, _ settings: AdapterSettings?, _ file: any TensorFile
  ) throws(ModelError) -> Float {
    let shape = layer.down.flatMap { file.info($0)?.shape } ?? []
    guard let rank = shape.first, rank > 0 else {
      throw .inconsistent(
        reason: "\(JSON.quoted(layer.down ?? "")) has shape \(shape), which is no factor's",
        file: file.path)
    }
    if let alpha = layer.alpha { return alpha / Float(rank) }
    guard let settings else { return 1 }
    guard settings.usesMagnitudes == (layer.magnitude != nil) else {
      throw .inconsistent(
        reason: "\(JSON.quoted(layer.spelling)) has \(layer.magnitude == nil ? "no" : "a") "
          + "magnitude, and \"use_dora\" is \(settings.usesMagnitudes)", file: file.path)
    }
    guard settings.usesBiases || layer.bias == nil else {
      throw .inconsistent(
        reason: "\(JSON.quoted(layer.bias ?? "")) is there, and \"lora_bias\" is false",
        file: file.path)
    }
    return try settings.scale(of: layer.spelling, rank: rank)
  }

  /// Where the file is.
  package var path: String { file.path }

  /// Names of a component's layers that are changed, with `_` for `.`.
  func layers(of component: String) -> Set<String> { Set((layers[component] ?? [:]).keys) }

  /// Whether something is added to a layer's bias, be there one or not.
  func hasBias(_ layer: String, of component: String) -> Bool {
    layers[component]?[layer]?.bias != nil
  }

  /// What is added to a layer's bias; nil where nothing is.
  ///
  /// - Throws: ``ModelError`` when it is not of that shape, or not finite.
  func biasChange(to layer: String, of component: String, shape: [Int]) throws(ModelError)
    -> Tensor?
  {
    guard let layer = layers[component]?[layer], let name = layer.bias else { return nil }
    let bias = try factor(name)
    guard bias.shape == shape else { throw misfit(name, shape, bias.shape) }
    do {
      return try bias * (strength * layer.scale)
    } catch {
      throw .tensor(error)
    }
  }

  /// What is added to a layer's weight.
  ///
  /// - Parameters:
  ///   - layer: its name with `_` for `.`.
  ///   - component: such as `unet`.
  ///   - weight: what it is added to.
  /// - Returns: a tensor of that shape; nil where nothing is added.
  /// - Throws: ``ModelError`` when the factors do not make that shape, or are not finite.
  func change(to layer: String, of component: String, weight: Tensor) throws(ModelError) -> Tensor?
  {
    guard let layer = layers[component]?[layer] else { return nil }
    let shape = weight.shape
    var (down, up) = (try factor(layer.down ?? ""), try factor(layer.up ?? ""))
    do {
      if layer.isEmbedding { (down, up) = try (up.transposed(0, 1), down.transposed(0, 1)) }
      let rank = down.shape.first ?? 0
      // A convolution of 1×1 may stand for a matrix, and the other way round.
      let inputs = Array(shape.dropFirst())
      guard rank > 0, Self.flattened(down.shape.dropFirst()) == Self.flattened(inputs[...]) else {
        throw misfit(layer.down ?? "", [rank] + inputs, down.shape)
      }
      guard up.shape.count > 1, Array(up.shape.prefix(2)) == [shape[0], rank],
        up.shape.dropFirst(2).allSatisfy({ $0 == 1 })
      else { throw misfit(layer.up ?? "", [shape[0], rank], up.shape) }
      let columns = inputs.reduce(1, *)
      let product = try
        (up.reshaped([shape[0], rank]).matmul(down.reshaped([rank, columns]))
        * (strength * layer.scale)).reshaped(shape)
      guard let name = layer.magnitude else { return product }
      return try turned(weight.converted(to: .float32), by: product, to: factor(name), name)
    } catch let error as TensorError {
      throw .tensor(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: path)
    }
  }

  /// What turns a weight into one in the direction of `weight + product` whose rows have given
  /// lengths.
  private func turned(_ weight: Tensor, by product: Tensor, to lengths: Tensor, _ name: String)
    throws -> Tensor
  {
    let rows = weight.shape[0]
    guard Self.flattened(lengths.shape[...]) == Self.flattened([rows]) else {
      throw misfit(name, [rows], lengths.shape)
    }
    let sum = try (weight + product).reshaped([rows, -1])
    let squares = try (sum * sum).sum().floats()
    let wanted = try lengths.reshaped([rows]).floats()
    let factors = zip(wanted, squares).map { $0 / $1.squareRoot() }
    guard factors.allSatisfy(\.isFinite) else { throw ModelError.notFinite(name: name, file: path) }
    let turned = try (sum * Tensor(factors, shape: [rows, 1])).reshaped(weight.shape)
    return try turned - weight
  }

  private static func flattened(_ shape: ArraySlice<Int>) -> [Int] { shape.filter { $0 != 1 } }

  private func misfit(_ name: String, _ wanted: [Int], _ found: [Int]) -> ModelError {
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
