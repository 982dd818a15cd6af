import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Words that a model whose world is closed does not know.
@Suite("A closed world") struct ClosedWorldTests {
  private static let painter = Result {
    try ImageGenerator(folder: repositoryPath("weights/picturebook"))
  }
  private static let teller = Result {
    try StoryGenerator(folder: repositoryPath("weights/storyteller"))
  }

  private func notes(
    _ prompt: String, negative: String = "", literal: Bool = false
  ) throws -> [String] {
    var request = ImageRequest(prompt: prompt)
    (request.negativePrompt, request.literalPrompt, request.steps) = (negative, literal, 1)
    return try Self.painter.get().draw(request).notes
  }

  @Test(
    "words that the picturebook does not know are told, each with the nearest that it knows",
    arguments: [
      ("a dragon with a sword", "dragon, with, sword"),
      ("a red foxx and a dgo", "foxx (nearest: fox), dgo (nearest: dog)"),
      ("3 cats", "3 (nearest: three)"), ("12 cats", "12"), ("一只红狐狸", "一只红狐狸"),
      ("a fox 🦊", "🦊"), ("a (huge:1.2) [tiny] cat", "huge, tiny"),
      ("a cat, a kangaroo; a KANGAROO", "kangaroo"),
      ("q w e r t y u i o p", "q, w, e, r, t, y, u, i and others"),
    ])
  func unknown(_ prompt: String, _ words: String) throws {
    #expect(try notes(prompt) == ["picturebook does not know: \(words)"])
  }

  @Test(
    "capitals, plurals, punctuation, weights, line feeds and added tokens are no unknown words",
    arguments: [
      "A RED Fox, on the Beach!", "two foxes; three snowmen: four buses & ice creams", "", "…",
      "the fox's (umbrella:1.2) [drum]", "a cat\nBREAK a dog", "a fox <|endoftext|>",
      "there are a small cat, two dogs and a tree in the city", "“a fox”", "a fox-cat/dog_frog",
    ])
  func known(_ prompt: String) throws {
    #expect(try notes(prompt).isEmpty)
  }

  @Test("every caption of the samples is known, word by word")
  func samples() throws {
    let text = try String(
      contentsOfFile: repositoryPath("samples/picturebook.txt"), encoding: .utf8)
    #expect(try notes(text.split(separator: "\n").joined(separator: ", ")).isEmpty)
  }

  @Test("the negative prompt is told apart, and so is a prompt that is taken to the letter")
  func negative() throws {
    #expect(
      try notes("a fox", negative: "blurry") == [
        "picturebook does not know, in the negative prompt: blurry"
      ])
    #expect(
      try notes("(foxx:1.5)", literal: true) == [
        "picturebook does not know: foxx (nearest: fox), 1 (nearest: one), 5"
      ])
  }

  @Test("of a model with a LoRA, which may have taught it words, nothing is said")
  func taught() throws {
    let folder = repositoryPath("weights/picturebook")
    let generator = try ImageGenerator(
      folder: folder, adding: [LoRA(folder + "/fast.safetensors", strength: 0.1)])
    var request = ImageRequest(prompt: "a dragon")
    request.steps = 1
    #expect(try generator.draw(request).notes.isEmpty)
  }

  @Test("a model that does not say that its world is closed is not spoken for")
  func open() throws {
    let generator = try ImageGenerator(folder: fixture("tiny_model"))
    var request = ImageRequest(prompt: "a dragon")
    request.steps = 1
    #expect(try generator.draw(request).notes.isEmpty)
  }

  @Test("a story, its beginning, a drawing and a question are told alike")
  func story() throws {
    let teller = try Self.teller.get()
    var request = StoryRequest(prompt: "a story about a dragon named Rubi")
    request.beginning = [.init(text: "There was a wizard.")]
    #expect(
      try teller.check(request) == [
        "storyteller does not know: dragon, Rubi (nearest: Ruby)",
        "storyteller does not know, where the story begins: wizard",
      ])
    #expect(
      teller.notes(on: "what color is it?") == [
        "storyteller does not know: color (nearest: colour)"
      ])
    var drawing = TokenPictureRequest(prompt: "a fox in the jungle")
    drawing.steps = 1
    #expect(try teller.draw(drawing).notes == ["storyteller does not know: jungle"])
  }

  @Test(
    "capitals make no other story: the storyteller, who tells Fox from fox, reads what it knows")
  func capitals() throws {
    func words(_ prompt: String) throws -> String {
      var request = StoryRequest(prompt: prompt)
      (request.seed, request.pages, request.imageSteps) = (3, 1, 1)
      var told = ""
      try Self.teller.get().write(request) { if case .page(let page) = $0 { told = page.text } }
      return told
    }
    let plain = try words("a story about a red fox named Pip")
    #expect(plain.contains("fox"))
    #expect(try words("a Story about a RED Fox named PIP") == plain)
    #expect(try Self.teller.get().check(StoryRequest(prompt: "A Story about a RED Fox")).isEmpty)
  }

  @Test(
    "a closed world without words, and words that are none, are refused",
    arguments: [
      #"{"world": "closed"}"#, #"{"world": "round"}"#, #"{"world": "closed", "words": "a b"}"#,
    ])
  func unsound(_ text: String) throws {
    try withTemporaryFolder { root in
      try FileManager.default.copyItem(atPath: fixture("tiny_model"), toPath: root + "/model")
      try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/model/lantern.json"))
      #expect(throws: FormatError.self) { try ImageGenerator(folder: root + "/model") }
    }
  }
}
