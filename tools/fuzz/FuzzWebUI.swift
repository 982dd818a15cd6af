import Lantern
import LanternPictures
import LanternSamplers
import LanternTokenizers

/// Any text beside a picture is read as a recipe or refused, and what webui's text is written of it
/// says the same again; any text is a prompt and the name of a sampler, or none.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
  for key in ["parameters", "prompt"] {
    guard let recipe = try? PictureRecipe([key: text]) else { continue }
    precondition(recipe.notes.allSatisfy { $0.utf8.count < 8192 }, "a note is long")
    let request = recipe.request
    let again = (try? PictureRecipe(["parameters": recipe.parameters]))?.request
    // A prompt that is JSON is read as settings, and tags are no words.
    let isPlain = !request.prompt.contains("<") && request.prompt.first { !$0.isWhitespace } != "{"
    if isPlain, recipe.loras.isEmpty {
      precondition(again?.prompt == request.prompt, "another prompt")
      precondition(again?.negativePrompt == request.negativePrompt, "another negative prompt")
      precondition(again?.steps ?? 0 == request.steps ?? 0, "another number of steps")
    }
  }
  _ = PromptSyntax(text, readsWeights: false).notes(on: "prompt")
  _ = WeightedPrompt(parsing: text)
  _ = try? SamplerCatalogue.meaning(of: text)
  _ = try? SamplerCatalogue.spacingMeaning(of: text)
  return 0
}
