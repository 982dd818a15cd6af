import LanternFormats

/// The names of a text encoder's tensors in open_clip (Cherti et al. 2022, arXiv:2212.07143), and
/// those of transformers for them.
enum OpenCLIPNames {
  /// Whole names and prefixes that stand for one tensor each.
  static let table = NameTable(
    [
      ("token_embedding", "text_model.embeddings.token_embedding"),
      ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
      ("ln_final", "text_model.final_layer_norm"),
    ]
      + (0..<layerLimit).flatMap { layer in
        layerNames.map { from, to in
          ("transformer.resblocks.\(layer).\(from)", "text_model.encoder.layers.\(layer).\(to)")
        }
      })

  /// Most layers of an encoder.
  static let layerLimit = 128

  private static let layerNames = [
    ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"), ("attn.out_proj", "self_attn.out_proj"),
  ]

  /// The tensor whose rows are queries, keys and values, in this order.
  static func joined(_ layer: Int, _ kind: String) -> String {
    "transformer.resblocks.\(layer).attn.in_proj_\(kind)"
  }

  /// The three that transformers has for it.
  static func split(_ layer: Int, _ kind: String) -> [String] {
    ["q", "k", "v"].map { "text_model.encoder.layers.\(layer).self_attn.\($0)_proj.\(kind)" }
  }

  /// The layer and kind of a query's tensor in transformers' names, whose keys and values lie with it in
  /// open_clip's; nil for other tensors.
  static func query(_ name: String) -> (layer: Int, kind: String)? {
    let parts = name.split(separator: ".").map(String.init)
    guard parts.count == 7, parts[5] == "q_proj", parts[4] == "self_attn",
      let layer = Int(parts[3])
    else { return nil }
    return (layer, parts[6])
  }

  /// The matrix that the pooled vector is multiplied by from the left, and transformers' for it, which is
  /// its transpose.
  static let projection = (original: "text_projection", transformers: "text_projection.weight")

  /// Counts the layers in a file.
  ///
  /// - Parameter has: whether there is a tensor of a name.
  /// - Returns: their number.
  static func layerCount(_ has: (String) -> Bool) -> Int {
    (0..<layerLimit).prefix { has("transformer.resblocks.\($0).ln_1.weight") }.count
  }

  /// How transformers' tensors are made of those of a file.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - prefix: before all names.
  ///   - layers: the number of layers that are read.
  ///   - isProjected: whether there is a projection of the pooled vector.
  /// - Returns: names and what they stand for, in the order of the file.
  static func views(
    in file: any TensorFile, below prefix: String, layers: Int, isProjected: Bool
  ) -> [(name: String, view: TensorView)] {
    var views: [(name: String, view: TensorView)] = []
    for source in file.names where source.hasPrefix(prefix) {
      let name = String(source.dropFirst(prefix.count))
      let parts = name.split(separator: ".")
      let layer = parts.count > 2 && parts[1] == "resblocks" ? Int(parts[2]) : nil
      if let layer, layer >= layers { continue }
      if name == projection.original {
        if isProjected {
          views.append((projection.transformers, TensorView(source, isTransposed: true)))
        }
      } else if let layer, let kind = parts.last?.split(separator: "_").last.map(String.init),
        name == joined(layer, kind), let rows = file.info(source)?.shape.first
      {
        for (index, name) in split(layer, kind).enumerated() {
          views.append(
            (name, TensorView(source, rows: rows / 3 * index..<rows / 3 * (index + 1))))
        }
      } else if let found = table(name) {
        views.append((found, TensorView(source)))
      }
    }
    return views
  }
}
