import LanternPlatform

/// A model's files, whatever they are: a folder as diffusers lays it out, or one file.
package protocol ModelSource: Sendable {
  /// Path of the folder or file.
  var path: String { get }
  /// Path of the file that names the parts, for errors.
  var indexPath: String { get }
  /// The class of pipeline that the model was made for, as `StableDiffusionPipeline`.
  var pipelineClass: String { get }
  /// The names of its parts, as `vae`, sorted.
  var componentNames: [String] { get }
  /// Settings of the pipeline itself.
  var settings: [String: JSONValue] { get }
  /// What was assumed of the files, and what has no effect in them: a line each.
  var notes: [String] { get }

  /// The class of a part; nil for one that is not named, or without a class.
  func className(of component: String) -> String?

  /// A part.
  ///
  /// - Throws: ``FormatError`` when there is none of this name.
  func component(_ name: String) throws(FormatError) -> any ModelComponent
}

/// The files of one part of a model.
package protocol ModelComponent: Sendable {
  /// The class that reads it, as `AutoencoderKL`; nil where none is named.
  var className: String? { get }
  /// Path of its folder or file.
  var path: String { get }
  /// Settings that go before those of its files.
  var settings: [String: JSONValue] { get }

  /// Whether it has a JSON file of this name, as `config.json`.
  func has(_ name: String) -> Bool

  /// The settings of its JSON file of this name.
  ///
  /// - Throws: ``FormatError`` when it is missing or unsound.
  func config(_ name: String) throws(FormatError) -> Config

  /// Its weights.
  ///
  /// - Parameters:
  ///   - stems: the names that files of weights in a folder may have, without ending.
  ///   - variant: of these, as `fp16`; the plain ones when nil.
  /// - Returns: the weights.
  /// - Throws: ``FormatError`` when there are none, or they are unsound.
  func weights(stems: [String], variant: String?) throws(FormatError) -> TensorArchive

  /// The variants of weights that a folder has.
  func variants(stems: [String]) -> [String]
}

/// A part in a folder of its own.
package struct FolderComponent: ModelComponent {
  package let className: String?
  package let path: String
  package let settings: [String: JSONValue]

  package init(_ className: String?, _ path: String, settings: [String: JSONValue] = [:]) {
    (self.className, self.path, self.settings) = (className, path, settings)
  }

  package func has(_ name: String) -> Bool { FileSystem.exists(FileSystem.join(path, name)) }

  package func config(_ name: String) throws(FormatError) -> Config {
    try Config(path: FileSystem.join(path, name), with: settings)
  }

  package func weights(stems: [String], variant: String?) throws(FormatError) -> TensorArchive {
    try TensorArchive(folder: path, stems: stems, variant: variant)
  }

  package func variants(stems: [String]) -> [String] {
    TensorArchive.variants(in: path, stems: stems)
  }
}

/// A part whose weights lie in a file with those of others, and whose settings follow from them.
package struct FileComponent: ModelComponent {
  package let className: String?
  package let settings: [String: JSONValue]
  /// Its tensors by the names that its class reads; nil for a part without weights.
  package let tensors: (any TensorFile)?
  package let path: String

  package init(
    _ className: String, _ settings: [String: JSONValue], _ tensors: (any TensorFile)?,
    path: String
  ) {
    self.className = className
    self.settings = settings
    self.tensors = tensors
    self.path = path
  }

  package func has(_ name: String) -> Bool { false }

  package func config(_ name: String) throws(FormatError) -> Config {
    Config(settings, file: path)
  }

  package func weights(stems: [String], variant: String?) throws(FormatError) -> TensorArchive {
    guard let tensors else { throw .missingPart(name: className ?? "", path: path) }
    return TensorArchive(files: [tensors])
  }

  package func variants(stems: [String]) -> [String] { [] }
}

/// A model some of whose parts are replaced.
package struct AlteredModel: ModelSource {
  /// The model.
  package let base: any ModelSource
  private let parts: [String: any ModelComponent]
  package let notes: [String]

  /// - Parameters:
  ///   - base: the model.
  ///   - parts: what goes before its parts, by their names.
  ///   - notes: on these: a line each.
  package init(
    _ base: any ModelSource, replacing parts: [String: any ModelComponent], notes: [String] = []
  ) {
    self.base = base
    self.parts = parts
    self.notes = base.notes + notes
  }

  package var path: String { base.path }
  package var indexPath: String { base.indexPath }
  package var pipelineClass: String { base.pipelineClass }
  package var settings: [String: JSONValue] { base.settings }
  package var componentNames: [String] {
    Set(base.componentNames).union(parts.keys).sorted()
  }

  package func className(of component: String) -> String? {
    parts[component].map(\.className) ?? base.className(of: component)
  }

  package func component(_ name: String) throws(FormatError) -> any ModelComponent {
    if let part = parts[name] { return part }
    return try base.component(name)
  }
}
