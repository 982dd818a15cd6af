import Foundation
import Lantern
import TestSupport
import Testing

@Suite struct ChatTemplateChoiceTests {
  @Test("of several templates the named one is taken, or the standard one")
  func named() throws {
    try withTemporaryFolder { folder in
      let templates = ["tool_use", "default"]
        .map { #"{"name": "\#($0)", "template": "\#($0)!"}"# }.joined(separator: ",")
      try "{\"chat_template\": [\(templates)]}".write(
        toFile: folder + "/tokenizer_config.json", atomically: true, encoding: .utf8)
      #expect(try LanguageModel.chatTemplate(folder)?.source == "default!")
      #expect(try LanguageModel.chatTemplate(folder, named: "tool_use")?.source == "tool_use!")
      #expect(try LanguageModel.chatTemplate(folder, named: "rag") == nil)
    }
  }
}
