public import ArgumentParser
public import Lantern
import LanternFormats

/// `lantern embed`: vectors of texts.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Makes vectors of texts with an encoder or a language model.",
    discussion: """
      lantern embed "a red fox" -m FOLDER
      lantern embed "a red fox" "a vixen" "the stock market" -m FOLDER --compare
      lantern embed @texts.txt -m FOLDER --prompt query --json > vectors.jsonl

      A vector is the mean of the network's last states of a text's tokens, or one of them, as the model's files say \
      (--pooling), scaled to length 1. It goes to standard output, a line for each text. A language model that was not \
      trained for it gives vectors of little use.
      """)

  @Argument(help: "Texts; @FILE for those in a file, one a line, @- for standard input.")
  var texts: [String]

  @Option(
    help: ArgumentHelp(
      "How the states of a text's tokens become one vector: mean, last, cls, which is the first, max, mean-sqrt or "
        + "weighted-mean. (default: as the model's files say, or mean)", valueName: "name"))
  var pooling: TextEmbedder.Pooling?

  @Option(
    help: ArgumentHelp(
      "Put the text that the model's files have under this name in front of each text; an empty name for none. "
        + "(default: as the model's files say)", valueName: "name"))
  var prompt: String?

  @Flag(help: "Read two texts at a time as one, as a title and its passage.")
  var pairs = false

  @Flag(help: "Leave vectors as long as they are.")
  var raw = false

  @Flag(
    help: "Write the cosine between each two texts in place of vectors; with --raw the product.")
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

  /// Texts that are read before the first vectors are written.
  private static let chunkLength = 256

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      threads.apply(console)
      let lines = try texts.flatMap(Self.lines)
      guard !pairs || lines.count.isMultiple(of: 2) else {
        throw ValidationError("--pairs: \(lines.count) texts, and it takes two at a time")
      }
      let all =
        pairs
        ? stride(from: 0, to: lines.count, by: 2).map { Array(lines[$0..<$0 + 2]) }
        : lines.map { [$0] }
      let embedder = try TextEmbedder(
        path: HubCache.standard.located(source.model ?? ""), pooling: pooling,
        precision: computing.precision ?? .default, cacheType: source.cacheType)
      embedder.notes.forEach(console.note)
      if compare, all.count < 2 {
        console.note("--compare: there is one text alone, which is compared with itself")
      }
      var vectors: [[Float]] = []
      for first in stride(from: 0, to: all.count, by: Self.chunkLength) {
        try Interruption.check()
        let chunk = all[first..<min(all.count, first + Self.chunkLength)]
        for (text, vector) in zip(chunk, try read(Array(chunk), by: embedder)) {
          if vector.cut > 0 {
            console.note(
              "text \(vectors.count + 1): its last \(vector.cut) tokens are cut, for the model reads \(vector.tokens)"
            )
          }
          if !compare { report(vector.values, of: text, vectors.count, console) }
          vectors.append(vector.values)
        }
      }
      if compare { report(likenessesOf: vectors, all, console) }
    }
  }

  private func read(_ texts: [[String]], by embedder: TextEmbedder) throws -> [TextVector] {
    let isNormalized = raw ? false : nil
    guard pairs else {
      return try embedder.vectors(
        of: texts.map { $0[0] }, prompt: prompt, isNormalized: isNormalized)
    }
    return try embedder.vectors(
      ofPairs: texts.map { ($0[0], $0[1]) }, prompt: prompt, isNormalized: isNormalized)
  }

  /// The texts of an argument: itself, or the lines of a file that are not empty.
  private static func lines(_ argument: String) throws -> [String] {
    let text = try PromptFile.text(ofArgument: argument)
    guard argument.hasPrefix("@") else { return [text] }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }

  private func report(_ vector: [Float], of texts: [String], _ index: Int, _ console: Console) {
    console.event([
      "event": .string("embedding"), "index": .integer(index), "text": shown(texts),
      "vector": .array(vector.map { .number(Double($0)) }),
    ])
    if !json { Console.print(vector.map { "\($0)" }.joined(separator: " ")) }
  }

  private func report(likenessesOf vectors: [[Float]], _ texts: [[String]], _ console: Console) {
    for (index, vector) in vectors.enumerated() {
      let values = vectors.map {
        raw ? TextEmbedder.product(vector, $0) : TextEmbedder.cosine(vector, $0)
      }
      console.event([
        "event": .string(raw ? "products" : "cosines"), "index": .integer(index),
        "text": shown(texts[index]),
        raw ? "products" : "cosines": .array(values.map(JSONValue.number)),
      ])
      if !json {
        let row = values.map { rounded($0, 3).padded(to: 7) }.joined()
        Console.print(row + texts[index].joined(separator: " | ").escapingControls())
      }
    }
  }

  /// A text, or both of a pair.
  private func shown(_ texts: [String]) -> JSONValue {
    pairs ? .array(texts.map(JSONValue.string)) : .string(texts[0])
  }
}

extension TextEmbedder.Pooling: ExpressibleByArgument {}
