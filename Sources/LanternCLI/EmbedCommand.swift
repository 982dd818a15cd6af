public import ArgumentParser
public import Lantern
import LanternFormats

/// `lantern embed`: vectors of texts.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Makes vectors of texts with a language model.",
    discussion: """
      lantern embed "a red fox" -m FOLDER/model.gguf
      lantern embed "a red fox" "a vixen" "the stock market" -m FOLDER --compare
      lantern embed @texts.txt -m FOLDER --json > vectors.jsonl

      A vector is the mean of the model's last hidden states, or one of them (--pooling), scaled to length 1. It \
      goes to standard output, a line for each text. A model that was not trained for it gives vectors of little use.
      """)

  @Argument(help: "Texts; @FILE for those in a file, one a line, @- for standard input.")
  var texts: [String]

  @Option(
    help: ArgumentHelp(
      "How the states of a text's tokens become one vector: mean, last or cls, which is the first. "
        + "(default: as the model's files say, or mean)", valueName: "name"))
  var pooling: TextEmbedder.Pooling?

  @Flag(help: "Leave vectors as long as they are.")
  var raw = false

  @Flag(help: "Write the cosine between each two texts in place of vectors.")
  var compare = false

  @OptionGroup(title: "Model options") var source: LanguageModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions

  @Flag(help: "One JSON event a line on standard output.")
  var json = false

  mutating func validate() throws {
    try checkEncoding()
    if texts.isEmpty { throw ValidationError("which text? For example: lantern embed \"a fox\"") }
  }

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      threads.apply(console)
      let all = try texts.flatMap(Self.lines)
      let embedder = try TextEmbedder(
        path: HubCache.standard.located(source.model ?? ""), pooling: pooling,
        precision: computing.precision ?? .default, cacheType: source.cacheType)
      embedder.notes.forEach(console.note)
      if compare, raw { console.note("--raw has no effect on cosines") }
      if compare, all.count < 2 {
        console.note("--compare: there is one text alone, which is compared with itself")
      }
      var vectors: [[Float]] = []
      for (index, text) in all.enumerated() {
        try Interruption.check()
        let vector = try embedder.vector(of: text, isNormalized: !raw)
        vectors.append(vector)
        if !compare { report(vector, of: text, index, console) }
      }
      if compare { report(cosinesOf: vectors, all, console) }
    }
  }

  /// The texts of an argument: itself, or the lines of a file that are not empty.
  private static func lines(_ argument: String) throws -> [String] {
    let text = try PromptFile.text(ofArgument: argument)
    guard argument.hasPrefix("@") else { return [text] }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }

  private func report(_ vector: [Float], of text: String, _ index: Int, _ console: Console) {
    console.event([
      "event": .string("embedding"), "index": .integer(index), "text": .string(text),
      "vector": .array(vector.map { .number(Double($0)) }),
    ])
    if !json { Console.print(vector.map { "\($0)" }.joined(separator: " ")) }
  }

  private func report(cosinesOf vectors: [[Float]], _ texts: [String], _ console: Console) {
    for (index, vector) in vectors.enumerated() {
      let cosines = vectors.map { TextEmbedder.cosine(vector, $0) }
      console.event([
        "event": .string("cosines"), "index": .integer(index), "text": .string(texts[index]),
        "cosines": .array(cosines.map(JSONValue.number)),
      ])
      if !json {
        let row = cosines.map { rounded($0, 3).padded(to: 7) }.joined()
        Console.print(row + texts[index].escapingControls())
      }
    }
  }
}

extension TextEmbedder.Pooling: ExpressibleByArgument {}
