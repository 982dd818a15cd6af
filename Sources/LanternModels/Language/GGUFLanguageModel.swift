package import LanternFormats
package import LanternLayers
import LanternTensor

/// A language model in a GGUF file, as llama.cpp's converter writes it, in the terms of transformers' files: the
/// settings of its class, and tensors under that class's names.
package struct GGUFLanguageModel {
  /// Tensors of maps behind an encoder's pooling, in their order.
  package static let maps = ["dense_2.weight", "dense_3.weight"]

  /// The class of ``ModelCatalogue/languageModels``, or of ``ModelCatalogue/encoders``.
  package let className: String
  /// Its settings.
  package let config: Config
  /// Its tensors.
  package let tensors: any TensorFile

  /// Reads what a file says of itself.
  ///
  /// - Throws: ``ModelError/file(_:)`` for an architecture, or a setting that changes results, that Lantern
  ///   does not have.
  package init(_ file: GGUFFile) throws(ModelError) {
    do throws(FormatError) {
      guard let name = file.values["general.architecture"]?.string else {
        throw .missingKey(key: "general.architecture", file: file.path)
      }
      guard let row = GGUFArchitecture.all.first(where: { $0.name == name }) else {
        throw .unsupportedSetting(
          key: "general.architecture", value: JSON.quoted(name), file: file.path)
      }
      let found = try GGUFSettings(file, row)
      let settings = found.members
      className = found.className
      config = Config(settings, file: file.path)
      tensors = Self.tensors(file, settings, row)
    } catch {
      throw .file(error)
    }
  }

  private static func tensors(
    _ file: GGUFFile, _ settings: [String: JSONValue], _ row: GGUFArchitecture
  ) -> any TensorFile {
    let heads = settings["num_attention_heads"]?.integer ?? 1
    let keyHeads = file.values["\(row.name).attention.head_count_kv"]?.integer ?? heads
    let hasSecondNorm = file.contains("blk.0.attn_norm_2.weight")
    let views = file.names.flatMap { original -> [(name: String, view: TensorView)] in
      guard !GGUFSettings.tensors.contains(original), !maps.contains(original) else {
        return []
      }
      let name = row.translated(original, hasSecondNorm: hasSecondNorm)
      var view = TensorView(original)
      if row.isInterleaved, original.contains(".attn_q.") { view.interleavedHeads = heads }
      if row.isInterleaved, original.contains(".attn_k.") { view.interleavedHeads = keyHeads }
      guard row.splitsProjections, original.contains(".attn_qkv."),
        let parts = projections(rows: file.size(original, 0), heads, keyHeads)
      else { return [(name, view)] }
      return zip(["q_proj", "k_proj", "v_proj"], parts).map { part, rows in
        (name.replacing("qkv_proj", with: part), TensorView(original, rows: rows))
      }
    }
    return RenamedFile(file, views)
  }

  /// Rows of queries, keys and values that lie one behind the other; nil where heads are not of as many rows.
  private static func projections(rows: Int, _ heads: Int, _ keyHeads: Int) -> [Range<Int>]? {
    let limit = 1 << 24
    guard (1...limit).contains(heads), (1...limit).contains(keyHeads), rows > 0,
      rows % (heads + 2 * keyHeads) == 0
    else { return nil }
    let size = rows / (heads + 2 * keyHeads)
    let (queries, keys) = (heads * size, keyHeads * size)
    return [0..<queries, queries..<queries + keys, queries + keys..<rows]
  }
}
