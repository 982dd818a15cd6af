import ArgumentParser
import Lantern
import LanternFormats

/// What is added to a model's weights.
struct LoRAOptions: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "Add a LoRA (diffusers, PEFT, kohya) to the model, and how much of it; several add up.",
      valueName: "file[:strength]"))
  var files: [String] = []

  mutating func validate() throws { _ = try loras() }

  /// What was named.
  ///
  /// - Parameter recipe: of a picture that is to be drawn again, its LoRAs' names, each with its
  ///   strength after a colon: those hold where none is given.
  /// - Returns: files and strengths.
  /// - Throws: ``ValidationError`` for a strength that is no number.
  func loras(like recipe: [String] = []) throws -> [LoRA] {
    let known = try recipe.map(Self.parsed)
    return try files.map { text in
      let (path, strength) = try Self.parsed(text)
      let name = FileSystem.split(path).name
      let before = known.first { $0.path == name }?.strength
      return LoRA(path, strength: strength ?? before ?? 1)
    }
  }

  private static func parsed(_ text: String) throws -> (path: String, strength: Float?) {
    guard let colon = text.lastIndex(of: ":"),
      !["/", "\\"].contains(text[colon...].dropFirst().first)
    else { return (text, nil) }
    guard let number = Float(text[text.index(after: colon)...]), number.isFinite else {
      throw ValidationError(
        "LoRA \"\(text)\": after the colon stands how much of it to add, like \(text[..<colon]):0.8"
      )
    }
    return (String(text[..<colon]), number)
  }
}
