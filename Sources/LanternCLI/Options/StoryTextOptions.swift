import ArgumentParser
import Lantern

/// How a story's words are chosen.
struct StoryTextOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many pages. (default: the model's own number, 4 for the shipped one)", valueName: "count"
    ))
  var pages: Int?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Words of a page that the story begins with; once a page. (default: none)", valueName: "text")
  )
  var begin: [String] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Pictures of the pages that it begins with, in order. (default: none)", valueName: "file"))
  var beginImage: [String] = []

  @Option(
    parsing: .unconditional,
    help: "How freely words are chosen; 0 takes the likeliest. (default: the model's own)")
  var temperature: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only the likeliest words that together have this probability. (default: the model's own)",
      valueName: "share"))
  var topP: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only so many of the likeliest words; 0 for all.", valueName: "count"))
  var topK = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only words of at least this share of the likeliest's probability.", valueName: "share"))
  var minP: Float = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What scores of words that occurred are divided by.", valueName: "number"))
  var repetitionPenalty: Float = 1

  mutating func validate() throws {
    if beginImage.count > begin.count {
      throw ValidationError("--begin-image needs the words of its page: --begin \"…\"")
    }
  }

  /// Puts what was said into a request.
  ///
  /// - Throws: an error that names a picture that cannot be read.
  func apply(to request: inout StoryRequest) throws {
    request.pages = pages
    request.temperature = temperature
    request.topP = topP
    request.topK = topK
    request.minP = minP
    request.repetitionPenalty = repetitionPenalty
    request.beginning = try begin.enumerated().map { index, text in
      StoryRequest.Page(
        text: text,
        picture: index < beginImage.count ? try Picture(contentsOf: beginImage[index]) : nil)
    }
  }
}
