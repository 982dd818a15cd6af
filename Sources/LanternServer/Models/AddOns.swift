import Lantern
import LanternFormats
import LanternPlatform

/// Files that models are used with, which calls find in folders by their names. Folders are read anew for each call.
struct AddOns: Sendable {
  /// What the files of a folder are.
  enum Kind: String, Sendable {
    case lora = "LoRA"
    case upscaler
    case control = "ControlNet"
  }

  private let folders: [Kind: String]

  /// - Parameter configuration: the server's.
  /// - Throws: `FormatError` for a folder that cannot be read.
  init(_ configuration: ServerConfiguration) throws {
    let named: [(Kind, String?)] = [
      (.lora, configuration.loraFolder), (.upscaler, configuration.upscalerFolder),
      (.control, configuration.controlFolder),
    ]
    var folders: [Kind: String] = [:]
    for case (let kind, let folder?) in named {
      _ = try FileSystem.list(folder)
      folders[kind] = folder
    }
    self.folders = folders
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
  /// - Throws: ``ServerError/field(name:reason:)`` for one that is not there.
  func path(of name: String, _ kind: Kind, field: String) throws -> String {
    guard let files = try files(kind) else {
      throw ServerError.field(
        name: field,
        reason: "the server has no folder of \(kind.rawValue)s, where \(JSON.quoted(name)) may be")
    }
    do throws(FormatError) { return try files.path(of: name, kind: kind.rawValue) } catch {
      let known = files.names.isEmpty ? "none" : files.names.joined(separator: ", ")
      throw ServerError.field(
        name: field,
        reason: "there is no \(kind.rawValue) \(JSON.quoted(name)); there are: \(known)")
    }
  }

  /// Takes the tags of LoRAs out of a request's prompts, where the server has a folder of them.
  ///
  /// - Parameter request: the request.
  /// - Returns: the LoRAs, and notes.
  /// - Throws: for a LoRA that is not there.
  func takeLoRAs(_ request: inout ImageRequest) throws -> (loras: [LoRA], notes: [String]) {
    guard let folder = folders[.lora] else { return ([], []) }
    return try request.takeLoRAs(from: LoRAFolder(folder))
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
    }
  }
}
