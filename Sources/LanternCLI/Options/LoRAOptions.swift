import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// What is added to a model's weights.
struct LoRAOptions: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "Add a LoRA (diffusers, PEFT, kohya) to the model, and how much of it; several add up. "
        + "(default: none)",
      valueName: "file or folder[:strength]"))
  var files: [String] = []

  mutating func validate() throws { _ = try loras() }

  /// What was named.
  ///
  /// - Parameter recipe: of a picture that is to be drawn again, its LoRAs' names, each with its
  ///   strength after a colon: those hold where none is given.
  /// - Returns: files and strengths.
  /// - Throws: ``ValidationError`` for a strength that is no number.
  func loras(like recipe: [String] = []) throws -> [LoRA] {
    let known = recipe.map(Self.labelled)
    return try files.map { text in
      let (path, strength) = try Self.parsed(text)
      let name = LoRA(path).name
      let before = known.first { $0.path == name }?.strength
      return LoRA(path, strength: strength ?? before ?? 1)
    }
  }

  /// A path, and the strength after its last colon. What is there by the whole name is meant: colons
  /// may stand in names.
  private static func parsed(_ text: String) throws -> (path: String, strength: Float?) {
    guard !FileSystem.exists(text), let colon = text.lastIndex(of: ":") else { return (text, nil) }
    let (path, strength) = labelled(text)
    if strength != nil { return (path, strength) }
    let before = String(text[..<colon])
    let isFile = [".safetensors", ".bin", ".pt"].contains(where: before.hasSuffix)
    guard isFile || FileSystem.exists(before), !before.isEmpty else { return (text, nil) }
    throw ValidationError(
      "LoRA \"\(text)\": give its strength after the colon, like \(before):0.8")
  }

  /// A recipe's name of a LoRA, and its strength after the last colon.
  private static func labelled(_ text: String) -> (path: String, strength: Float?) {
    guard let colon = text.lastIndex(of: ":"),
      let number = Float(text[text.index(after: colon)...]), number.isFinite
    else { return (text, nil) }
    return (String(text[..<colon]), number)
  }
}
