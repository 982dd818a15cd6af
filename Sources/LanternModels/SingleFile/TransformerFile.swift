package import LanternFormats
package import LanternLayers

/// A model in one file.
package protocol OneFileModel: ModelSource {
  /// The file itself.
  var file: any TensorFile { get }
  /// What it is, as people call it.
  var kindName: String { get }
  /// What its denoiser is, where it is another than the kind's own.
  var variant: String? { get }
  /// Parts that the file does not hold.
  var missing: [String] { get }
  /// Names of tensors that no part reads and that are not known to be of none.
  var unknown: [String] { get }
}

/// A diffusion transformer in one file, alone or with the other parts of its model, in the names of the code that it
/// was published with, ComfyUI's or diffusers'.
///
/// What it is, and all sizes, follow from the names and shapes of its tensors.
package struct TransformerFile: OneFileModel {
  package let path: String
  package let file: any TensorFile
  package let kind: TransformerKind
  package let missing: [String]
  package let unknown: [String]
  package let notes: [String]
  private let components: [String: any ModelComponent]
  /// The transformer's settings.
  private let denoiser: [String: JSONValue]

  package var kindName: String { kind.name }
  package var variant: String? { kind.isFill(denoiser) ? "Fill" : nil }
  package var indexPath: String { path }
  package var pipelineClass: String {
    kind.isFill(denoiser) ? "FluxFillPipeline" : kind.pipelineClass
  }
  package var componentNames: [String] { components.keys.sorted() }
  package var settings: [String: JSONValue] { kind.pipelineSettings }

  /// Whether a file of tensors holds such a transformer.
  package static func isModel(_ file: any TensorFile) -> Bool {
    TransformerKind.of(file) != nil
  }

  /// Opens a file; nil for a file of anything else.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - tokenizer: the folder of CLIP's tokenizer, which such files lack; nil where there is none.
  /// - Throws: ``ModelError`` for a transformer that is not drawn with, and for sizes that cannot be.
  package init?(_ file: any TensorFile, tokenizer: String?) throws(ModelError) {
    try TransformerKind.checkStranger(file)
    guard let found = TransformerKind.of(file) else { return nil }
    let (kind, path) = (found.kind, file.path)
    let denoiser = kind.denoiser(in: file, found.prefix, isOriginal: found.isOriginal)
    let settings = try kind.settings(ShapeSettings(file: denoiser.tensors))
    let scheduler = kind.schedule(settings)
    var read = denoiser.sources
    var components: [String: any ModelComponent] = [
      "transformer": FileComponent(kind.className, settings, denoiser.tensors, path: path),
      "scheduler": FileComponent(
        scheduler["_class_name"]?.string ?? "", scheduler, nil, path: path),
    ]
    if let (codec, sources) = try kind.codec(in: file, isAlone: false) {
      components["vae"] = codec
      read.formUnion(sources)
    }
    for encoder in kind.textEncoders {
      if let (part, sources) = try encoder.part(of: file, isAlone: false) {
        components[encoder.component] = part
        read.formUnion(sources)
      }
      guard let padding = encoder.commonPadding, let tokenizer else { continue }
      components[encoder.tokenizer] = FolderComponent(
        "CLIPTokenizer", tokenizer, settings: ["pad_token": .string(padding)])
    }
    (self.path, self.file, self.kind, self.components) = (path, file, kind, components)
    self.denoiser = settings
    missing = (["vae"] + kind.textEncoders.map(\.component)).filter { components[$0] == nil }
    unknown = file.names.filter { name in
      !read.contains(name) && !SingleFileBookkeeping.holds(name)
        && !kind.textEncoders.contains { $0.prefixes.contains(where: name.hasPrefix) }
        && !name.hasSuffix("norm_final.weight")
    }
    notes =
      [SingleFile.note(on: unknown, path), kind.assumption.map { "\(path): \($0)" }]
      .compactMap(\.self)
  }

  package func className(of component: String) -> String? { components[component]?.className }

  package func component(_ name: String) throws(FormatError) -> any ModelComponent {
    guard let component = components[name] else { throw .missingPart(name: name, path: path) }
    return component
  }
}

extension TransformerKind {
  /// The kind of a file, what stands before the names of its transformer, and whether these are the original code's.
  static func of(_ file: any TensorFile) -> (
    kind: TransformerKind, prefix: String, isOriginal: Bool
  )? {
    for prefix in ["model.diffusion_model.", "diffusion_model.", ""] {
      for kind in all {
        for (index, marks) in kind.marks.enumerated()
        where marks.allSatisfy({ file.contains(prefix + $0) }) {
          return (kind, prefix, index == 0)
        }
      }
    }
    return nil
  }

  /// Whether a transformer is FLUX.1 Fill's, which has a mask and a masked picture in its input.
  fileprivate func isFill(_ settings: [String: JSONValue]) -> Bool {
    className == "FluxTransformer2DModel" && settings["in_channels"] != settings["out_channels"]
  }

  /// - Throws: ``ModelError/unsupported(what:file:)`` for a file of another transformer.
  static func checkStranger(_ file: any TensorFile) throws(ModelError) {
    for prefix in ["model.diffusion_model.", "diffusion_model.", ""] {
      for (marks, name) in strangers where marks.allSatisfy({ file.contains(prefix + $0) }) {
        throw .unsupported(what: "is \(name)", file: file.path)
      }
    }
  }

  /// The transformer of a file.
  fileprivate func denoiser(in file: any TensorFile, _ prefix: String, isOriginal: Bool)
    -> SingleFilePart
  {
    let features = isOriginal ? file.size(prefix + embedder, 0) : 0
    return SingleFilePart(file, below: prefix) { name, source, rows in
      (1...1 << 20).contains(features)
        ? names.views(of: name, from: source, features: features, rows: rows)
        : [(name, TensorView(source))]
    }
  }
}
