/// The control tokens that ChatGLM's own code puts behind the pieces of its `tokenizer.model`, which lacks them.
enum ChatGLMTokens {
  /// The `tokenizer_class` of its folders.
  static let className = "ChatGLMTokenizer"
  /// In the order of their ids.
  static let all = [
    "[MASK]", "[gMASK]", "[sMASK]", "sop", "eop", "<|system|>", "<|user|>", "<|assistant|>",
    "<|observation|>",
  ]
  /// What a text begins with.
  static let beginning = ["[gMASK]", "sop"]
  /// What an answer ends with, in addition to the end of a text: whose turn is next.
  static let endsOfTurn = ["<|user|>", "<|observation|>"]
}
