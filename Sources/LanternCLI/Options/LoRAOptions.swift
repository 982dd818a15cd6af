import ArgumentParser
import Lantern

/// What is added to a model's weights.
struct LoRAOptions: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "Add a LoRA (diffusers, PEFT, kohya) to the model, and how much of it; more than once for more.",
      valueName: "file[:strength]"))
  var files: [String] = []

  mutating func validate() throws { _ = try loras() }

  /// What was named.
  func loras() throws -> [LoRA] {
    try files.map { text in
      guard let colon = text.lastIndex(of: ":"), text[colon...].dropFirst().first != "/",
        text[colon...].dropFirst().first != "\\"
      else { return LoRA(text) }
      let strength = text[text.index(after: colon)...]
      guard let number = Float(strength), number.isFinite else {
        throw ValidationError(
          "LoRA \"\(text)\": after the colon stands how much of it to add, like \(text[..<colon]):0.8"
        )
      }
      return LoRA(String(text[..<colon]), strength: number)
    }
  }
}
