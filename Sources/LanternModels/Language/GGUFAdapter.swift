package import LanternFormats
package import LanternLayers
package import LanternTensor

/// A LoRA in a GGUF file, as llama.cpp's converter writes it (`general.type` `adapter`, `adapter.type` `lora`), under the names
/// that PEFT gives the layers of transformers' class: factors `blk.N.attn_q.weight.lora_a` `[rank, inputs]` and `.lora_b`
/// `[outputs, rank]`, and the alpha of all layers from `adapter.lora.alpha`.
package struct GGUFAdapter: TensorFile {
  private let file: RenamedFile
  /// By the names under which layers have them.
  private let alphas: [String: Float]
  package let names: [String]

  /// Whether a file is an adapter, and no model.
  package static func isAdapter(_ file: GGUFFile) -> Bool {
    file.values["general.type"]?.string == "adapter"
  }

  /// Reads the names of an adapter's tensors.
  ///
  /// - Parameters:
  ///   - file: the adapter.
  ///   - settings: those of the model that it is for, whose heads say how rows of queries and keys lie.
  /// - Throws: ``ModelError`` for another type of adapter, an architecture that is not here, or tensors that are none of a
  ///   LoRA's.
  package init(_ file: GGUFFile, for settings: JSONValue) throws(ModelError) {
    let type = file.values["adapter.type"]?.string ?? ""
    let name = file.values["general.architecture"]?.string ?? ""
    guard type == "lora" else {
      throw .file(
        .unsupportedSetting(key: "adapter.type", value: JSON.quoted(type), file: file.path))
    }
    guard let row = GGUFArchitecture.all.first(where: { $0.name == name }) else {
      throw .file(
        .unsupportedSetting(
          key: "general.architecture", value: JSON.quoted(name), file: file.path))
    }
    let alpha = file.values["adapter.lora.alpha"]?.number ?? 0
    guard alpha.isFinite, Float(alpha).isFinite else {
      throw .file(
        .unsupportedSetting(key: "adapter.lora.alpha", value: "\(alpha)", file: file.path))
    }
    let heads = settings.object?["num_attention_heads"]?.integer ?? 1
    let keyHeads = settings.object?["num_key_value_heads"]?.integer ?? heads
    var views: [(name: String, view: TensorView)] = []
    var alphas: [String: Float] = [:]
    for original in file.names {
      guard let (weight, isDown) = Self.split(original), file.info(original)?.shape.count == 2
      else {
        throw .unsupported(
          what: "\(JSON.quoted(original)) is no factor of a linear map or a table of tokens",
          file: file.path)
      }
      let isTable = weight == "token_embd.weight"
      let layer = "base_model.model." + row.translated(weight).dropLast(".weight".count)
      // A table's first factor lies transposed, a row for each token.
      var view = TensorView(original, isTransposed: isTable && isDown)
      if row.isInterleaved, !isDown {
        if weight.hasSuffix(".attn_q.weight") { view.interleavedHeads = heads }
        if weight.hasSuffix(".attn_k.weight") { view.interleavedHeads = keyHeads }
      }
      let factor = isDown ? "A" : "B"
      views.append(
        (isTable ? "\(layer).lora_embedding_\(factor)" : "\(layer).lora_\(factor).weight", view))
      if !isDown {
        // As llama.cpp: without an alpha the product is added as it is.
        let rank = file.info(original)?.shape[1] ?? 1
        alphas["\(layer).alpha"] = alpha == 0 ? Float(rank) : Float(alpha)
      }
    }
    self.file = RenamedFile(file, views)
    self.alphas = alphas
    names = self.file.names + alphas.keys.sorted()
  }

  /// The weight that a factor is of, and whether it is the first; nil for what is none.
  private static func split(_ name: String) -> (weight: String, isDown: Bool)? {
    for (ending, isDown) in [(".lora_a", true), (".lora_b", false)] where name.hasSuffix(ending) {
      let weight = String(name.dropLast(ending.count))
      return weight.hasSuffix(".weight") ? (weight, isDown) : nil
    }
    return nil
  }

  package var path: String { file.path }
  package var metadata: [String: String] { [:] }
  package var byteCount: Int { file.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    alphas[name] == nil ? file.info(name) : ("F32", [1])
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let alpha = alphas[name] else { return try file.tensor(name) }
    do throws(TensorError) { return try Tensor([alpha], shape: [1]) } catch { throw .tensor(error) }
  }

  package func releasePages() { file.releasePages() }
}
