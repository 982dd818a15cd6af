import LanternPlatform
import Lantern
import LanternFormats

/// Prints a story's events for people and programs: words as they come, a bar for each picture.
struct StoryTeller {
  private let console: Console
  private let preview: String?
  private let seed: UInt64
  private var bar: ProgressBar?
  private var isInLine = false
  /// Notes on pictures: once for all pages.
  private var noted: Set<String> = []

  init(_ console: Console, preview: String?, seed: UInt64) {
    self.console = console
    self.preview = preview
    self.seed = seed
  }

  /// Tells what is planned.
  func show(_ plan: StoryPlan) {
    console.event(["event": .string("plan"), "plan": plan.json])
    console.report(plan.title)
    for character in plan.cast { console.detail("\(character.name): \(character.look)") }
    for (index, line) in plan.outline.enumerated() { console.detail("\(index + 1). \(line)") }
  }

  mutating func take(_ event: StoryEvent) throws {
    switch event {
    case .text(let text, let page):
      guard !text.isEmpty else { return }
      console.event([
        "event": .string("text"), "page": .integer(page), "text": .string(text),
      ])
      if !console.isQuiet {
        Console.put(text)
        isInLine = true
      }
    case .step(let number, let count, let page, let picture):
      endLine()
      if bar == nil { bar = ProgressBar(console) }
      if Console.isTerminal { bar?.show(number, of: count) }
      console.event([
        "event": .string("step"), "page": .integer(page), "step": .integer(number),
        "of": .integer(count),
      ])
      if let picture, let preview { try picture.write(to: preview) }
    case .page, .finished: break
    }
  }

  mutating func finish(_ page: StoryPage, _ path: String) {
    bar?.end()
    bar = nil
    endLine()
    for note in page.picture.notes where noted.insert(note).inserted { console.note(note) }
    var event: [String: JSONValue] = [
      "event": .string("page"), "page": .integer(page.number), "text": .string(page.text),
      "path": .string(path), "seed": JSONValue(page.seed ?? seed),
    ]
    if let caption = page.caption {
      event["caption"] = .string(caption)
      console.detail("\(page.isKept ? "kept; it was " : "")drawn after: \(caption)")
    }
    if page.isKept { event["kept"] = .bool(true) }
    if !page.citations.isEmpty {
      event["citations"] = .array(
        page.citations.map {
          .object(["number": .integer($0.number), "source": .string($0.place)])
        })
    }
    console.event(event)
    for citation in page.citations { console.report("[\(citation.number)] \(citation.place)") }
    console.report(path)
  }

  private mutating func endLine() {
    if isInLine { Console.put("\n") }
    isInLine = false
  }
}
