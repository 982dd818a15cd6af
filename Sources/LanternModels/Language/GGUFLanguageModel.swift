package import LanternFormats
package import LanternLayers
import LanternTensor

/// A language model in a GGUF file, as llama.cpp's converter writes it, in the terms of transformers' files: the
/// settings of its class, and tensors under that class's names.
package struct GGUFLanguageModel {
  /// The class of ``ModelCatalogue/languageModels``.
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
      className = row.className
      let settings = try GGUFSettings(file, row).members
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
    let keyHeads = settings["num_key_value_heads"]?.integer ?? heads
    let views = file.names.flatMap { original -> [(name: String, view: TensorView)] in
      guard !GGUFSettings.tensors.contains(original) else { return [] }
      let name = row.translated(original)
      var view = TensorView(original)
      if row.isInterleaved, original.contains(".attn_q.") { view.interleavedHeads = heads }
      if row.isInterleaved, original.contains(".attn_k.") { view.interleavedHeads = keyHeads }
      // Three of as many rows.
      let rows = file.size(original, 0) / 3
      guard row.splitsProjections, original.contains(".attn_qkv."), rows > 0 else {
        return [(name, view)]
      }
      return ["q_proj", "k_proj", "v_proj"].enumerated().map { index, part in
        let own = name.replacing("qkv_proj", with: part)
        return (own, TensorView(original, rows: index * rows..<(index + 1) * rows))
      }
    }
    return RenamedFile(file, views)
  }
}
