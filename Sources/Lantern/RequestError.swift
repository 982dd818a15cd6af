public import LanternFormats

/// What can be wrong with a request. Cases carry facts; ``description`` puts them in a line.
public enum RequestError: Error, Sendable, Equatable {
  /// A size that is not positive, not a multiple of `unit`, or beyond `most`.
  case size(name: String, found: Int, unit: Int, maximum: Int)
  /// A number outside its range.
  case range(name: String, found: String, allowed: String)
  /// A setting that makes sense only with another.
  case needs(name: String, other: String)
  /// A prompt of more chunks, of as many tokens as the text encoder takes at once, than are drawn.
  case longPrompt(chunks: Int, maximum: Int)
  /// Words and pictures that take more tokens than the model's positions were trained for.
  case longStory(what: String, tokens: Int, maximum: Int)
  /// A model of a kind that does not draw pictures here.
  case unsupportedModel(kind: String, path: String, supported: String)
  /// A file that is no network that enlarges pictures here.
  case unsupportedUpscaler(kind: String, path: String, supported: String)
  /// A language model of a kind that does not write here.
  case unsupportedLanguageModel(kind: String, path: String, supported: String)
  /// A text of more tokens than a language model's context, or of as many.
  case longText(tokens: Int, maximum: Int)
  /// Less memory than is needed.
  case memory(what: String, needed: Int, available: Int)
  /// A file that is no prompt cache of the model.
  case promptCache(path: String, reason: String)
  /// A language model whose files do not say how conversations are written.
  case noChatTemplate(path: String, known: String)
  /// Parts of a model that do not fit one another.
  case mismatch(reason: String, path: String)
  /// A model that cannot be written as one file, since that would be read as another.
  case notOneFile(reason: String, path: String)
  /// A model without a LoRA for few steps.
  case notFast(path: String)
  /// Settings in a picture that another program wrote and that cannot be read.
  case foreignSettings(program: String, reason: String)
  /// The numbers went out of bounds. Whether by the weights or by the settings is not known here.
  case notFinite(what: String, step: Int?)
}

extension RequestError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .unsupportedModel, .unsupportedUpscaler, .unsupportedLanguageModel, .mismatch, .notOneFile,
      .notFinite, .notFast, .foreignSettings, .promptCache:
      .data
    case .size, .range, .needs, .longPrompt, .longStory, .longText, .noChatTemplate: .usage
    case .memory: .memory
    }
  }

  /// One line: what, and what to do.
  public var description: String {
    switch self {
    case .size(let name, let found, let unit, let maximum):
      "\(name) \(found): choose a multiple of \(unit) from \(unit) to \(maximum)"
    case .range(let name, let found, let allowed): "\(name) \(found): choose \(allowed)"
    case .needs(let name, let other): "\(name) needs \(other)"
    case .longPrompt(let chunks, let maximum):
      "the prompt fills the text encoder \(chunks) times, and \(maximum) times is the most; shorten it, "
        + "or take it literally, which cuts it after the first"
    case .longStory(let what, let tokens, let maximum):
      "\(what) comes to \(tokens) tokens and the model takes \(maximum); shorten it"
    case .unsupportedModel(let kind, let path, let supported):
      "\(path): a model of kind \(kind); Lantern draws with \(supported)"
    case .unsupportedUpscaler(let kind, let path, let supported):
      "\(path): is \(kind); Lantern enlarges with \(supported): take such a file"
    case .unsupportedLanguageModel(let kind, let path, let supported):
      "\(path): a language model of kind \(kind); Lantern writes with \(supported)"
    case .longText(let tokens, let maximum):
      "the text has \(tokens) tokens, and the model's context is \(maximum); shorten it"
    case .memory(let what, let needed, let available):
      "\(what): that is \(mebibytes(needed)) MiB of memory, and the system has \(mebibytes(available)) MiB; end "
        + "other programs, allow fewer tokens, or choose a smaller model or cache type"
    case .promptCache(let path, let reason):
      "\(path): \(reason); name another file for the prompt cache, or remove this one"
    case .noChatTemplate(let path, let known):
      "\(path): it has no chat template: the model may not be made for conversations; name the form that it was "
        + "trained on (\(known)) or the file of a template"
    case .mismatch(let reason, let path): "\(path): \(reason)"
    case .notOneFile(let reason, let path):
      "\(path): cannot be one file: \(reason); give a folder as the target"
    case .notFast(let path):
      "\(path): says nothing of \"fast\": draw without, or add a LoRA that was distilled for few "
        + "steps, with sampler lcm, 4 steps and guidance 1"
    case .foreignSettings(let program, let reason):
      "the picture's settings are \(program)'s: \(reason); give prompt and settings by hand"
    case .notFinite(let what, let step):
      "\(what) \(step.map { "after step \($0 + 1) " } ?? "")is not a number, for a reason not known "
        + "here; try another sampler, number of steps or guidance, or precision exact"
    }
  }
}
