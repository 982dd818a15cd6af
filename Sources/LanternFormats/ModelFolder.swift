import LanternPlatform

/// A model as diffusers lays it out: a folder with a `model_index.json` that names the parts, and a
/// folder for each part.
package struct ModelFolder: ModelSource {
  /// Path of the folder.
  package let path: String
  /// The class of pipeline the model was made for, as `StableDiffusionPipeline`.
  package let pipelineClass: String
  /// The parts the index names; those it leaves out by `null` are not among them.
  package let components: [String: (library: String?, className: String?)]
  /// What the index says besides.
  package let settings: [String: JSONValue]

  /// Reads the index of a folder.
  ///
  /// - Parameter path: the folder, or the `model_index.json` in it.
  /// - Throws: ``FormatError`` when either is missing or unsound.
  package init(_ path: String) throws(FormatError) {
    var folder = path
    if !FileSystem.isDirectory(path), FileSystem.split(path).name == Self.indexName {
      folder = FileSystem.split(path).folder
    }
    while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    guard FileSystem.exists(path) else {
      throw .missingFile(path: path, remedy: "give the folder that holds \(Self.indexName)")
    }
    guard FileSystem.isDirectory(folder) else {
      if let refusal = FileKind.refusal(at: folder) {
        throw .unsupportedFileKind(path: path, remedy: refusal)
      }
      throw FileSystem.refusal(ofFolder: path)
    }
    let index = FileSystem.join(folder, Self.indexName)
    guard FileSystem.exists(index) else {
      throw .missingFile(
        path: index,
        remedy: "it names the parts of a model that diffusers laid out; is this the right folder?"
          + Self.hint(folder))
    }
    self.path = folder
    guard let members = try JSON.read(index).object else {
      throw .malformedJSON(file: index, at: 0, reason: "an object { … } should be here")
    }
    guard let pipelineClass = members["_class_name"]?.string else {
      throw members["_class_name"] == nil
        ? .missingKey(key: "_class_name", file: index)
        : .wrongType(key: "_class_name", expected: "a text", file: index)
    }
    self.pipelineClass = pipelineClass
    var components: [String: (library: String?, className: String?)] = [:]
    for (key, value) in members where !key.hasPrefix("_") {
      if case .array(let pair) = value, pair.count == 2,
        pair.allSatisfy({ $0.isNull || $0.string != nil })
      {
        if pair[1].isNull { continue }
        components[key] = (pair[0].string, pair[1].string)
      }
    }
    self.components = components
    self.settings = members.filter { components[$0.key] == nil }
  }

  /// What a folder without an index is instead, where that is recognised.
  private static func hint(_ folder: String) -> String {
    let config = try? Config(path: FileSystem.join(folder, "config.json"))
    if let kind = ["_class_name", "model_type"].compactMap({ config?.value($0)?.string }).first {
      return " Its config.json is of \(kind.escapingControls())"
    }
    let models = ((try? FileSystem.list(folder)) ?? []).filter {
      let inner = FileSystem.join(folder, $0)
      return FileSystem.exists(FileSystem.join(inner, indexName))
        || FileSystem.exists(FileSystem.join(inner, "config.json"))
    }
    guard !models.isEmpty else { return "" }
    return " Models in it: "
      + models.prefix(8).map { $0.escapingControls() }.joined(separator: ", ")
  }

  package var notes: [String] { [] }
  package var componentNames: [String] { components.keys.sorted() }

  package func className(of component: String) -> String? { components[component]?.className }

  package func component(_ name: String) throws(FormatError) -> any ModelComponent {
    FolderComponent(className(of: name), try folder(of: name))
  }

  /// Path of the index.
  package var indexPath: String { FileSystem.join(path, Self.indexName) }

  /// Whether the index names a part.
  package func has(_ component: String) -> Bool { components[component] != nil }

  /// The folder of a part.
  ///
  /// - Throws: ``FormatError/missingKey(key:file:)`` when the index does not name it,
  ///   ``FormatError/missingFile(path:remedy:)`` when its folder is not there.
  package func folder(of component: String) throws(FormatError) -> String {
    guard has(component) else { throw .missingKey(key: component, file: indexPath) }
    let folder = FileSystem.join(path, component)
    guard component != "..", !component.contains("/"), FileSystem.exists(folder) else {
      throw .missingFile(
        path: folder, remedy: "\(Self.indexName) names this part: fetch the model again")
    }
    guard FileSystem.isDirectory(folder) else { throw FileSystem.refusal(ofFolder: folder) }
    return folder
  }

  private static let indexName = "model_index.json"
}
