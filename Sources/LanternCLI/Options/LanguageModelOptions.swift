public import ArgumentParser
import Lantern
import LanternFormats
import LanternPlatform
public import LanternTensor

/// Which language model is loaded.
struct LanguageModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model: a GGUF file, or a folder as transformers lays it out. (default: none)",
      valueName: "model"),
    transform: FileArgument.named)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "What keys and values of tokens are kept in: f32, f16 or int8, which takes little more than half the memory "
        + "of f16. (default: f16; f32 in precision exact)", valueName: "name"))
  var cacheType: KVCacheType?

  func validate() throws {
    if model == nil {
      throw ValidationError("which model? Name a file or folder with --model MODEL")
    }
    try Self.check(model)
  }

  /// Refuses a shipped model by its name: none of them is a language model alone.
  static func check(_ name: String?) throws {
    guard let name, ModelLocation.shipped.contains(where: { $0.name == name }),
      !FileSystem.exists(name)
    else { return }
    throw ValidationError(
      "\(name) is a model of another kind: give a language model, a GGUF file or a folder; it serves "
        + (name == ModelLocation.picturebook.name
          ? "lantern image" : "lantern story, caption and paint"))
  }

  /// Loads it, and notes what was read otherwise than its files may lead to expect.
  func generator(
    _ precision: Precision?, _ console: Console, adding loras: [LoRA] = [], draft: String? = nil
  ) throws -> LanguageGenerator {
    let generator = try LanguageGenerator(
      path: HubCache.standard.located(model ?? ""), adding: loras, precision: precision ?? .default,
      cacheType: cacheType, draft: HubCache.standard.located(draft))
    generator.notes.forEach(console.note)
    return generator
  }
}

extension KVCacheType: ExpressibleByArgument {}

/// Which model proposes tokens.
struct DraftModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A smaller model with the same vocabulary, which proposes tokens: the same text, sooner. (default: none)",
      valueName: "model"),
    transform: FileArgument.named)
  var draft: String?
}
