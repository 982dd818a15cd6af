import Foundation
import Lantern
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

@Suite struct ChatTemplateChoiceTests {
  @Test("a folder of ChatGLM's, which has no template, has the form of its tokenizer's code")
  func forms() throws {
    let messages = [
      ChatMessage(.system, "s"), .init(.user, "a"), .init(.assistant, "b"), .init(.user, "c"),
    ]
    for (name, form, text) in [
      (
        "ChatGLMTokenizer", "chatglm3",
        "[gMASK]sop<|system|>\n s<|user|>\n a<|assistant|>\n b<|user|>\n c<|assistant|>"
      ),
      (
        "ChatGLM4Tokenizer", "glm4",
        "[gMASK]<sop><|system|>\ns<|user|>\na<|assistant|>\nb<|user|>\nc<|assistant|>"
      ),
    ] {
      try withTemporaryFolder { folder in
        let path = folder + "/tokenizer_config.json"
        try AtomicFile.write(Array("{\"tokenizer_class\": \"\(name)\"}".utf8), to: path)
        let found = try #require(try LanguageModel.chatTemplate(folder))
        #expect(found.file == form)
        let template = try ChatTemplate(found.source, file: found.file)
        #expect(try template.render(messages, variables: []).string == text)
        // A template of the folder's own goes before it.
        let own = "{\"tokenizer_class\": \"\(name)\", \"chat_template\": \"own\"}"
        try AtomicFile.write(Array(own.utf8), to: path)
        #expect(try LanguageModel.chatTemplate(folder)?.source == "own")
      }
    }
  }

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
