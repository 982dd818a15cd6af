package import LanternFormats
package import LanternLayers
package import LanternTensor

extension SingleFileKind {
  /// A tensor of one file, and those of a part that it is made of.
  private struct Row {
    let name: String
    let sources: [String]
    var isTransposed = false
    /// Whether a matrix becomes a 1×1 convolution.
    var isPixel = false
  }

  /// The tensors of a part of a folder as they stand in one file, in the names of the original code.
  ///
  /// - Parameters:
  ///   - component: the part's name, as `unet`.
  ///   - archive: its weights.
  ///   - dtype: what they are stored as; as they are when nil.
  /// - Returns: the tensors, in the order of the folder.
  /// - Throws: ``ModelError/unusedTensors(names:file:)`` for names that the original code has none for.
  package func originals(of component: String, _ archive: TensorArchive, as dtype: DType?)
    throws(ModelError) -> [PlannedTensor]
  {
    let rows: [Row]
    switch component {
    case "unet":
      let names = UNetLayout(diffusers: archive.contains).names.inverse
      rows = try Self.rows(archive) { name in
        names(name).map { Row(name: "model.diffusion_model.\($0)", sources: [name]) }
      }
    case "vae":
      let names = AutoencoderLayout(diffusers: archive.contains).names.inverse
      rows = try Self.rows(archive) { name in
        names(name).map {
          Row(
            name: "first_stage_model.\($0)", sources: [name],
            isPixel: name.contains(".attentions.") && archive.info(name)?.shape.count == 2)
        }
      }
    default: rows = try textRows(component, archive)
    }
    do throws(FormatError) {
      return try rows.map { row throws(FormatError) in
        try PlannedTensor(row.name, as: dtype) { () throws(FormatError) in
          try Self.made(row, archive)
        }
      }
    } catch {
      throw .file(error)
    }
  }

  private static func rows(_ archive: TensorArchive, _ row: (String) -> Row?) throws(ModelError)
    -> [Row]
  {
    let names = archive.names.filter { !SingleFileBookkeeping.holds($0) }
    let unknown = names.filter { row($0) == nil }
    guard let first = unknown.first else { return names.compactMap(row) }
    throw .unusedTensors(names: unknown, file: archive.file(of: first))
  }

  private func textRows(_ component: String, _ archive: TensorArchive) throws(ModelError) -> [Row] {
    guard let encoder = textEncoders.first(where: { $0.component == component }),
      let prefix = encoder.prefixes.first(where: {
        $0.hasSuffix(encoder.isOpenCLIP ? ".model." : ".transformer.")
      })
    else { return [] }
    func plain(_ name: String) -> String {
      name.hasPrefix("text_model.") || name.hasPrefix("text_projection")
        ? name : "text_model.\(name)"
    }
    guard encoder.isOpenCLIP else {
      return try Self.rows(archive) { Row(name: prefix + plain($0), sources: [$0]) }
    }
    let names = OpenCLIPNames.table.inverse
    var rows: [Row] = archive.names.compactMap { name in
      OpenCLIPNames.query(plain(name)).map { layer, kind in
        Row(
          name: prefix + OpenCLIPNames.joined(layer, kind),
          sources: ["q", "k", "v"].map { name.replacing("q_proj", with: "\($0)_proj") })
      }
    }
    let taken = Set(rows.flatMap(\.sources))
    rows += try Self.rows(archive) { name in
      if taken.contains(name) { return Row(name: "", sources: []) }
      if name == OpenCLIPNames.projection.transformers {
        return Row(
          name: prefix + OpenCLIPNames.projection.original, sources: [name], isTransposed: true)
      }
      return names(plain(name)).map { Row(name: prefix + $0, sources: [name]) }
    }.filter { !$0.sources.isEmpty }
    return rows
  }

  private static func made(_ row: Row, _ archive: TensorArchive) throws(FormatError) -> Tensor {
    let parts = try row.sources.map { name throws(FormatError) in
      guard let tensor = try archive.tensor(name) else {
        throw FormatError.missingTensor(name: name, file: archive.file(of: name))
      }
      return tensor
    }
    do {
      if parts.count > 1 { return try Tensor.concatenated(parts, axis: 0) }
      if row.isTransposed { return try parts[0].permuted([1, 0]) }
      return row.isPixel ? try parts[0].reshaped(parts[0].shape + [1, 1]) : parts[0]
    } catch {
      throw .tensor(error)
    }
  }
}

extension SingleFileKind {
  /// Settings that no tensor says: what a part of a folder has where its file is silent, and what a reader of
  /// one file assumes.
  ///
  /// - Parameters:
  ///   - component: the part's name, as `unet`.
  ///   - archive: its weights.
  /// - Returns: names of settings, the default of their class, and the assumption.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  package func assumedSettings(of component: String, _ archive: TensorArchive)
    throws(ModelError) -> [(key: String, standard: JSONValue, assumed: JSONValue)]
  {
    let shapes = ShapeSettings(archive: archive)
    let settings: [String: JSONValue]
    let standards: [String: JSONValue]
    switch component {
    case "unet":
      settings = try shapes.unet(
        heads: heads, sampleSize: sampleSize, pooled: nil, sizes: sizeCount)
      standards = ["attention_head_dim": .integer(8), "norm_num_groups": .integer(32)]
    case "vae":
      settings = try shapes.autoencoder(scalingFactor: scalingFactor, sampleSize: 8 * sampleSize)
      standards = ["norm_num_groups": .integer(32), "scaling_factor": .number(0.18215)]
    default:
      let encoder = textEncoders.first { $0.component == component }
      let prefix = archive.names.contains { $0.hasPrefix("text_model.") } ? "text_model." : ""
      settings = try shapes.textEncoder(isOpenCLIP: encoder?.isOpenCLIP == true, below: prefix)
      standards = ["num_attention_heads": .integer(8), "hidden_act": .string("quick_gelu")]
    }
    return standards.sorted { $0.key < $1.key }.compactMap { key, standard in
      settings[key].map { (key, standard, $0) }
    }
  }
}
