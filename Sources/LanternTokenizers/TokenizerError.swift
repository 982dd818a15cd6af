public import LanternFormats

/// An error of loading a tokenizer; encoding never fails.
public enum TokenizerError: Error, Sendable, Equatable {
  /// A file that cannot be read, or is malformed.
  case file(FormatError)
  /// An unsupported tokenizer class.
  case unknownClass(name: String, known: [String], file: String)
  /// A line of the merges that is not two tokens with a space between.
  case malformedMerge(number: Int, file: String)
  /// A merge of, or into, a token that is not in the vocabulary.
  case mergeOutsideVocabulary(number: Int, token: String, file: String)
  /// A token whose id is not an integer from 0 to 2³¹ - 1.
  case badID(token: String, file: String)
  /// A special token that is not in the vocabulary.
  case unknownSpecialToken(key: String, token: String, file: String)
  /// A chat template that is malformed, or has or does what is not supported.
  case template(file: String, line: Int, reason: String)
  /// A chat template's own objection to a conversation, by `raise_exception`.
  case refusedConversation(file: String, reason: String)
}

extension TokenizerError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .file(let inner): inner.kind
    case .refusedConversation: .usage
    default: .data
    }
  }

  /// One line: what, where, what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .unknownClass(let name, let known, let file):
      "\(file): \"tokenizer_class\" is \(JSON.quoted(name)), which Lantern does not have; "
        + "it has \(known.joined(separator: ", "))"
    case .malformedMerge(let number, let file):
      "\(file): merge \(number) is not two tokens with a space between; fetch the file again"
    case .mergeOutsideVocabulary(let number, let token, let file):
      "\(file): merge \(number) needs the token \(JSON.quoted(token)), which the vocabulary lacks; "
        + "take both files from one model"
    case .badID(let token, let file):
      "\(file): the id of the token \(JSON.quoted(token)) is not a number from 0 to 2147483647; "
        + FormatError.mending
    case .unknownSpecialToken(let key, let token, let file):
      "\(file): \(JSON.quoted(key)) is \(JSON.quoted(token)), which the vocabulary lacks; "
        + "take all files from one model"
    case .template(let file, let line, let reason):
      "\(file): line \(line) of its chat template: \(reason); take a template without it"
    case .refusedConversation(let file, let reason):
      "\(file): its chat template does not take these messages: \(reason)"
    }
  }
}
