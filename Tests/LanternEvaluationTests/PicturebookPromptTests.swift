import LanternEvaluation
import LanternFormats
import LanternModels
import Testing

@Suite struct PicturebookPromptTests {
  private let config: JudgeConfig

  init() throws {
    config = try JudgeConfig(
      Config(
        [
          "model_type": .string("judge"), "block_out_channels": .array([.integer(8), .integer(8)]),
          "layers_per_block": .integer(1), "norm_num_groups": .integer(4),
          "subjects": .array(["fox", "bus", "ice cream", "fish", "cat"].map(JSONValue.string)),
          "colours": .array(["red", "blue"].map(JSONValue.string)),
          "places": .array(["", "at night", "in the snow"].map(JSONValue.string)),
        ], file: "config.json"))
  }

  private func seen(_ subject: String, _ colour: String, _ x: Float, _ y: Float) -> Judge.Sighting {
    Judge.Sighting(subject: subject, colour: colour, hasOwnColour: false, x: x, y: y, certainty: 1)
  }

  @Test(
    "prompts are read: number, size, colour, subject, place before or behind",
    arguments: [
      ("a red fox at night", "fox", "red", 1, "at night"),
      ("in the snow, three small blue foxes", "fox", "blue", 3, "in the snow"),
      ("a picture of two ice creams", "ice cream", nil, 2, ""),
      ("There are four buses", "bus", nil, 4, ""), ("one fish", "fish", nil, 1, ""),
    ] as [(String, String, String?, Int, String)])
  func reading(_ text: String, _ subject: String, _ colour: String?, _ count: Int, _ place: String)
    throws
  {
    let prompt = try #require(PicturebookPrompt(text, knowing: config))
    #expect(prompt.things == [.init(subject: subject, colour: colour, count: count)])
    #expect(prompt.place == place && prompt.relation == nil)
  }

  @Test(
    "several things of several numbers are read, listed with and without a comma before the last",
    arguments: [
      "three red foxes and a cat", "a bus, two ice creams and one blue fish in the snow",
      "in the snow, a bus, two ice creams, and one blue fish", "there are a fox, a cat and a bus",
    ])
  func lists(_ text: String) throws {
    let prompt = try #require(PicturebookPrompt(text, knowing: config))
    let (fox, cat) = ("fox", "cat")
    #expect(
      [
        [.init(subject: fox, colour: "red", count: 3), .init(subject: cat, colour: nil, count: 1)],
        [
          .init(subject: "bus", colour: nil, count: 1),
          .init(subject: "ice cream", colour: nil, count: 2),
          .init(subject: "fish", colour: "blue", count: 1),
        ],
        [
          .init(subject: fox, colour: nil, count: 1), .init(subject: cat, colour: nil, count: 1),
          .init(subject: "bus", colour: nil, count: 1),
        ],
      ].contains(prompt.things))
    #expect(prompt.place == (text.contains("snow") ? "in the snow" : ""))
  }

  @Test(
    "what a judge cannot tell is not read",
    arguments: ["", "a wolf", "a green fox", "fox", "a red fox who sings", "a fox and"])
  func others(_ text: String) {
    #expect(PicturebookPrompt(text, knowing: config) == nil)
  }

  @Test("a picture shows a prompt when things, colours, number, relation and place are right")
  func shows() throws {
    func isShown(_ text: String, _ things: [Judge.Sighting], _ place: String = "") throws -> Bool {
      try #require(PicturebookPrompt(text, knowing: config)).isShown(
        by: Judge.Reading(things: things, place: place, features: [], cellSize: 8))
    }
    let fox = seen("fox", "red", 30, 60)
    let cat = seen("cat", "blue", 90, 60)
    #expect(try isShown("a red fox at night", [fox], "at night"))
    #expect(try !isShown("a red fox at night", [fox], "in the snow"))
    #expect(try !isShown("a blue fox", [fox]))
    #expect(try isShown("a fox to the left of a cat", [fox, cat]))
    #expect(try !isShown("a fox to the right of a cat", [fox, cat]))
    #expect(try !isShown("a fox above a cat", [fox, cat]))
    #expect(
      try isShown("a cat below a fox", [seen("fox", "red", 60, 20), seen("cat", "red", 60, 90)]))
    #expect(try !isShown("two foxes", [fox]))
    #expect(try isShown("two foxes", [fox, seen("fox", "blue", 90, 60)]))
    #expect(try isShown("a fox and a cat", [fox, cat, cat]))
    #expect(try !isShown("a fox and a fox", [fox]))
    #expect(try isShown("a fox and a fox", [fox, seen("fox", "blue", 90, 60)]))
    // Where things are counted one is one, and only of its colour.
    let blue = seen("fox", "blue", 30, 90)
    #expect(try isShown("two foxes and a cat", [fox, blue, cat]))
    #expect(try !isShown("two foxes and a cat", [fox, blue, cat, cat]))
    #expect(try !isShown("two foxes and a cat", [fox, cat]))
    #expect(try !isShown("two red foxes and a cat", [fox, blue, cat]))
    #expect(try isShown("a fox, a cat and a bus", [fox, cat, seen("bus", "red", 60, 90), blue]))
    #expect(try !isShown("a fox, a cat and a bus", [fox, cat, blue]))
  }
}
