import LanternPlatform
import LanternFormats

extension AdapterSettings {
  /// PEFT's settings by component; under the empty name those that hold for all.
  static func byComponent(
    of file: any TensorFile, config: String?, readsSaved: Bool = false
  ) throws(ModelError) -> [String: AdapterSettings] {
    let key = "lora_adapter_metadata"
    do {
      if let text = file.metadata[key] {
        return try byComponent(
          text, file: "\(file.path) (\(key))", hasComponents: true,
          readsSaved: readsSaved)
      }
      guard let config else { return [:] }
      let bytes = try FileSystem.read(config, limit: 16 << 20)
      return try byComponent(
        String(decoding: bytes, as: UTF8.self), file: config, hasComponents: false,
        readsSaved: readsSaved)
    } catch let error as FormatError {
      throw .file(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: file.path)
    }
  }

  private static func byComponent(
    _ text: String, file: String, hasComponents: Bool, readsSaved: Bool
  ) throws -> [String: AdapterSettings] {
    guard let members = try JSON.parse(text: text, file: file).object else {
      throw FormatError.malformedJSON(file: file, at: 0, reason: "an object { … } should be here")
    }
    var parts: [String: [String: JSONValue]] = [:]
    for (name, value) in members {
      let component = hasComponents ? components.first { name.hasPrefix("\($0).") } : nil
      let key = component.map { String(name.dropFirst($0.count + 1)) } ?? name
      parts[component ?? "", default: [:]][key] = value
    }
    return try Dictionary(
      uniqueKeysWithValues: parts.map { component, members in
        (component, try AdapterSettings(members, file: file, readsSaved: readsSaved))
      })
  }

  private static let components = ["unet", "text_encoder", "text_encoder_2"]
}
