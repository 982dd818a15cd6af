import LanternFormats

extension PipelineFile {
  /// The special tokens around texts, as the post-processor has them.
  ///
  /// - Parameter id: the id of a token; nil for one that is not there.
  /// - Returns: the frame; nil where the file has none.
  /// - Throws: ``TokenizerError`` for a token that is not there, or a part of another kind.
  func frame(_ id: (String) -> Int?) throws(TokenizerError) -> TextFrame? {
    func found(_ token: String?) throws(TokenizerError) -> Int {
      guard let token, let id = id(token) else {
        throw .unknownSpecialToken(
          key: "post_processor", token: token ?? "missing", file: path)
      }
      return id
    }
    switch postProcessor["type"]?.string {
    case "TemplateProcessing":
      return TextFrame(
        single: try parts("single", found), pair: try parts("pair", found))
    case "BertProcessing", "RobertaProcessing":
      let first = try found(postProcessor["cls"]?.array?.first?.string)
      let last = try found(postProcessor["sep"]?.array?.first?.string)
      return postProcessor["type"]?.string == "BertProcessing"
        ? .bert(first, last) : .roberta(first, last)
    default: return nil
    }
  }

  private func parts(_ key: String, _ found: (String?) throws(TokenizerError) -> Int)
    throws(TokenizerError) -> [TextFrame.Part]
  {
    var parts: [TextFrame.Part] = []
    for value in postProcessor[key]?.array ?? [] {
      let part = value.object ?? [:]
      if let token = part["SpecialToken"]?.object {
        parts.append(.token(try found(token["id"]?.string), segment: Self.segment(token)))
      } else if let text = part["Sequence"]?.object {
        parts.append(.text(text["id"]?.string == "B" ? 1 : 0, segment: Self.segment(text)))
      } else {
        throw refusal("post_processor.\(key)", value)
      }
    }
    guard
      key != "single" || parts.contains(where: { if case .text(0, _) = $0 { true } else { false } })
    else { throw refusal("post_processor.\(key)", postProcessor[key]) }
    return parts
  }

  private static func segment(_ part: [String: JSONValue]) -> Int {
    min(max(0, part["type_id"]?.integer ?? 0), 1)
  }
}

extension TextFrame {
  /// BERT's: `[CLS] A [SEP]`, `[CLS] A [SEP] B [SEP]`.
  static func bert(_ first: Int, _ last: Int) -> TextFrame {
    let single: [Part] = [
      .token(first, segment: 0), .text(0, segment: 0), .token(last, segment: 0),
    ]
    return TextFrame(
      single: single, pair: single + [.text(1, segment: 1), .token(last, segment: 1)])
  }

  /// RoBERTa's: `<s> A </s>`, `<s> A </s> </s> B </s>`.
  static func roberta(_ first: Int, _ last: Int) -> TextFrame {
    let end = Part.token(last, segment: 0)
    let single: [Part] = [.token(first, segment: 0), .text(0, segment: 0), end]
    return TextFrame(single: single, pair: single + [end, .text(1, segment: 0), end])
  }
}
