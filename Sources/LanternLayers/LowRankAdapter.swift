package import LanternFormats
import LanternTensor

/// What one file adds to a model's weights: products of two thin matrices (LoRA, Hu et al. 2021,
/// arXiv:2106.09685).
///
/// Reads the spellings of diffusers and PEFT (`unet.….lora_A.weight`, `base_model.model.…`), of
/// older diffusers (`….lora.down.weight`, `….processor.to_q_lora.down.weight`), and of kohya's
/// scripts (`lora_unet_….lora_down.weight` with `….alpha`).
package struct LowRankAdapter: Sendable {
  /// A layer's two factors, by their names in the file.
  private struct Factors: Sendable {
    var down = ""
    var up = ""
    var alpha: String?
  }

  private let file: any TensorFile
  private let strength: Float
  /// Layers by component and by their names with `_` for `.`.
  private let layers: [String: [String: Factors]]
  /// What a component's products are multiplied with, over the rank, where the file says so once
  /// for all.
  private let alphas: [String: Float]

  /// Reads a file's names; its numbers are read when they are added.
  ///
  /// - Parameters:
  ///   - file: the adapter's.
  ///   - strength: how much of it is added; 1 is all.
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for names that are no LoRA's.
  package init(_ file: any TensorFile, strength: Float) throws(ModelError) {
    self.file = file
    self.strength = strength
    var layers: [String: [String: Factors]] = [:]
    for name in file.names.sorted() {
      let relative = Self.relatives.first { name.contains($0.key) }?.value
      guard let place = Self.place(of: name), relative == nil else {
        throw .inconsistent(
          reason: relative.map { "\"\(name)\" is of \($0), which Lantern does not read" }
            ?? "\"\(name)\" is nothing of a LoRA for the U-Net or the text encoder", file: file.path
        )
      }
      var factors = layers[place.component, default: [:]][place.layer, default: Factors()]
      switch place.factor {
      case .down: factors.down = name
      case .up: factors.up = name
      case .alpha: factors.alpha = name
      }
      layers[place.component, default: [:]][place.layer] = factors
    }
    for factors in layers.values.flatMap(\.values) where factors.down.isEmpty || factors.up.isEmpty
    {
      let there = [factors.down, factors.up, factors.alpha ?? ""].first { !$0.isEmpty } ?? ""
      throw .inconsistent(
        reason: "\"\(there)\" is there without the rest of its layer", file: file.path)
    }
    self.layers = layers
    self.alphas = try Self.alphas(in: file)
  }

  /// PEFT's settings, which newer diffusers keep in the file's header.
  private static func alphas(in file: any TensorFile) throws(ModelError) -> [String: Float] {
    guard let text = file.metadata["lora_adapter_metadata"] else { return [:] }
    let settings: JSONValue
    do {
      settings = try JSON.parse(text: text, file: file.path)
    } catch {
      throw .file(error)
    }
    var alphas: [String: Float] = [:]
    for (key, value) in settings.object ?? [:] {
      if key.hasSuffix(".lora_alpha"), let alpha = value.double {
        alphas[String(key.dropLast(".lora_alpha".count))] = Float(alpha)
      }
      let isOrdinary = value == .null || value == .bool(false) || value.object?.isEmpty == true
      if [".use_rslora", ".use_dora", ".alpha_pattern"].contains(where: key.hasSuffix), !isOrdinary
      {
        throw .file(
          .unsupportedSetting(key: key, value: JSON.write(value), file: file.path))
      }
    }
    return alphas
  }

  /// Where the file is.
  package var path: String { file.path }

  /// Names of a component's layers that are changed, with `_` for `.`.
  func layers(of component: String) -> Set<String> { Set((layers[component] ?? [:]).keys) }

  /// What is added to a layer's weight.
  ///
  /// - Parameters:
  ///   - layer: its name with `_` for `.`.
  ///   - component: such as `unet`.
  ///   - shape: the weight's.
  /// - Returns: a tensor of that shape; nil where nothing is added.
  /// - Throws: ``ModelError`` when the factors do not make that shape, or are not finite.
  func change(to layer: String, of component: String, shape: [Int]) throws(ModelError) -> Tensor? {
    guard let factors = layers[component]?[layer] else { return nil }
    let (down, up) = (try factor(factors.down), try factor(factors.up))
    let rank = down.shape.first ?? 0
    // A convolution of 1×1 may stand for a matrix, and the other way round.
    let inputs = Array(shape.dropFirst())
    guard rank > 0, Self.flattened(down.shape.dropFirst()) == Self.flattened(inputs[...]) else {
      throw misfit(factors.down, [rank] + inputs, down.shape)
    }
    guard up.shape.count > 1, Array(up.shape.prefix(2)) == [shape[0], rank],
      up.shape.dropFirst(2).allSatisfy({ $0 == 1 })
    else { throw misfit(factors.up, [shape[0], rank], up.shape) }
    let alpha = try factors.alpha.map { name throws(ModelError) in try number(name) }
    do {
      let scale = alpha ?? alphas[component] ?? Float(rank)
      let columns = inputs.reduce(1, *)
      return try
        (up.reshaped([shape[0], rank]).matmul(down.reshaped([rank, columns]))
        * (strength * scale / Float(rank))).reshaped(shape)
    } catch {
      throw .tensor(error)
    }
  }

  private static func flattened(_ shape: ArraySlice<Int>) -> [Int] { shape.filter { $0 != 1 } }

  private func misfit(_ name: String, _ wanted: [Int], _ found: [Int]) -> ModelError {
    .inconsistent(
      reason:
        "\"\(name)\" has shape \(found), and this model would take \(wanted): it is a LoRA for "
        + "another model", file: path)
  }

  private func number(_ name: String) throws(ModelError) -> Float {
    do {
      if let value = try file.number(name), value.isFinite { return Float(value) }
    } catch {
      throw .file(error)
    }
    throw .inconsistent(reason: "\"\(name)\" is not one number", file: path)
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

  private enum Factor { case down, up, alpha }

  private static let endings: [(ending: String, factor: Factor)] = [
    (".lora_A.weight", .down), (".lora_B.weight", .up), (".lora_A.default.weight", .down),
    (".lora_B.default.weight", .up), (".lora_down.weight", .down), (".lora_up.weight", .up),
    (".lora.down.weight", .down), (".lora.up.weight", .up),
    (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
    ("_lora.down.weight", .down), ("_lora.up.weight", .up), (".alpha", .alpha),
  ]

  private static let beginnings: [(beginning: String, component: String)] = [
    ("unet.", "unet"), ("lora_unet_", "unet"), ("text_encoder.", "text_encoder"),
    ("lora_te_", "text_encoder"), ("lora_te1_", "text_encoder"),
    ("base_model.model.text_model.", "text_encoder"), ("base_model.model.", "unet"),
  ]

  /// Relatives of LoRA's, by what their names hold.
  private static let relatives = [
    "hada_": "LoHa", "lokr_": "LoKr", "lora_mid": "a LoRA of three factors", "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA", "oft_": "OFT", "ia3": "IA³", ".diff": "whole differences",
  ]

  /// Which layer of which component a tensor belongs to, and what it is there.
  private static func place(of name: String) -> (
    component: String, layer: String, factor: Factor
  )? {
    guard let (ending, factor) = endings.first(where: { name.hasSuffix($0.ending) }) else {
      return nil
    }
    // Early files of attention alone begin with the U-Net's own layers.
    let isBare = ["down_blocks.", "mid_block.", "up_blocks."].contains(where: name.hasPrefix)
    guard
      let (beginning, component) = isBare
        ? ("", "unet") : beginnings.first(where: { name.hasPrefix($0.0) })
    else { return nil }
    var layer = String(name.dropFirst(beginning.count).dropLast(ending.count))
      .replacing(".", with: "_").replacing("_processor_", with: "_")
    if component == "unet", layer.hasSuffix("_to_out") { layer += "_0" }
    if component == "text_encoder" {
      // Older diffusers calls its projections as the U-Net's.
      for part in ["q", "k", "v", "out"] where layer.hasSuffix("_self_attn_to_\(part)") {
        layer = layer.dropLast("to_\(part)".count) + "\(part)_proj"
      }
    }
    return (component, plain(layer), factor)
  }

  /// A layer's name as both sides spell it: the text encoder's weights may or may not begin with
  /// `text_model`.
  static func plain(_ layer: String) -> String {
    let layer = layer.replacing(".", with: "_")
    return layer.hasPrefix("text_model_") ? String(layer.dropFirst("text_model_".count)) : layer
  }
}
