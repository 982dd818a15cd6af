import Lantern
import LanternFormats
import LanternPlatform

/// Files that models are used with, which calls find in folders by their names. Folders are read anew for each call.
package struct AddOns: Sendable {
  /// What the files of a folder are.
  package enum Kind: String, Sendable {
    case lora = "LoRA"
    case upscaler
    case control = "ControlNet"
    case embedding
    case imagePrompt = "IP-Adapter"
  }

  private let folders: [Kind: String]

  /// - Parameter configuration: the server's.
  /// - Throws: `FormatError` for a folder that cannot be read.
  init(_ configuration: ServerConfiguration) throws {
    folders = configuration.addOnFolders
    for folder in folders.values.sorted() { _ = try FileSystem.list(folder) }
  }

  /// Names of the files of a kind; none where the server has no folder of them.
  func names(_ kind: Kind) throws -> [String] { try files(kind)?.names ?? [] }

  /// The path of a file.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - kind: what it is.
  ///   - field: the field that names it.
  /// - Returns: the path.
  /// - Throws: ``ServerError/unknownAddOn(field:reason:)`` for one that is not there.
  func path(of name: String, _ kind: Kind, field: String) throws -> String {
    guard let files = try files(kind) else {
      throw ServerError.unknownAddOn(
        field: field,
        reason: "the server has no folder of \(kind.rawValue)s, where \(JSON.quoted(name)) may be: "
          + "give it one when it is started")
    }
    do throws(FormatError) { return try files.path(of: name, kind: kind.rawValue) } catch {
      let known = files.names.isEmpty ? "none" : files.names.joined(separator: ", ")
      throw ServerError.unknownAddOn(
        field: field,
        reason: "there is no \(kind.rawValue) \(JSON.quoted(name)); there are: \(known)")
    }
  }

  /// Takes what prompts call: tags of LoRAs out of them, and embeddings by their words, where the server has a folder
  /// of them.
  ///
  /// - Parameter request: the request.
  /// - Returns: the LoRAs, and notes.
  /// - Throws: for a LoRA that is not there.
  func takeCalled(_ request: inout ImageRequest) throws -> (loras: [LoRA], notes: [String]) {
    if let folder = folders[.embedding] {
      try request.addEmbeddings(from: EmbeddingFolder(folder))
    }
    guard let folder = folders[.lora] else { return ([], []) }
    return try request.takeLoRAs(from: LoRAFolder(folder))
  }

  /// Puts the paths of files in place of the names that a recipe has of them.
  ///
  /// - Parameter request: the request.
  /// - Throws: ``ServerError/unknownAddOn(field:reason:)`` for one that is not there.
  func locate(_ request: inout ImageRequest) throws {
    for (index, embedding) in request.embeddings.enumerated() {
      request.embeddings[index].path = try path(
        of: embedding.path, .embedding, field: "settings.embeddings")
    }
    for (index, control) in request.controls.enumerated() {
      request.controls[index].network = try path(
        of: control.network, .control, field: "settings.controls")
    }
    for (index, prompt) in request.imagePrompts.enumerated() {
      request.imagePrompts[index].adapter = try path(
        of: prompt.adapter, .imagePrompt, field: "settings.image_prompts")
      request.imagePrompts[index].encoder = try prompt.encoder.map {
        try path(of: $0, .imagePrompt, field: "settings.image_prompts")
      }
    }
    if let network = request.hires?.network {
      request.hires?.upscaler = try path(of: network, .upscaler, field: "settings.hires.upscaler")
    }
  }

  /// LoRAs of a body: their names, each with strengths after colons, as recipes have them.
  ///
  /// - Parameter labels: what the body says.
  /// - Returns: the LoRAs.
  /// - Throws: ``ServerError/unknownAddOn(field:reason:)`` for one that is not there.
  func loras(_ labels: [String]) throws -> [LoRA] {
    try labels.map { label in
      let parts = LoRA.parts(of: label)
      return parts.lora(at: try path(of: parts.path, .lora, field: "loras"))
    }
  }

  private func files(_ kind: Kind) throws -> NamedFiles? {
    guard let folder = folders[kind] else { return nil }
    switch kind {
    case .lora:
      return try NamedFiles(
        folder: folder, endings: ["safetensors", "pt", "bin"], markers: ["adapter_config.json"])
    case .upscaler:
      return try NamedFiles(folder: folder, endings: ["safetensors", "pth", "pt"])
    case .control:
      return try NamedFiles(
        folder: folder, endings: ["safetensors", "pth", "bin"], markers: ["config.json"])
    case .embedding: return try NamedFiles(folder: folder, endings: ["safetensors", "pt", "bin"])
    case .imagePrompt:
      return try NamedFiles(
        folder: folder, endings: ["safetensors", "bin", "pt"], markers: ["config.json"])
    }
  }
}
