import Lantern

/// Tells a story of two pages and writes it as a book: a page of HTML, Markdown, and the pictures.
///
/// - Parameter folder: where the book goes; made if it is not there.
/// - Returns: the words of the pages.
/// - Throws: a `LanternError`.
public func tellAStory(into folder: String) async throws -> [String] {
  let teller = try StoryGenerator(.storyteller)
  var request = StoryRequest(prompt: "a fox finds a boat")
  (request.pages, request.seed) = (2, 3)
  for note in try teller.check(request) { print("note: \(note)") }
  let book = try await teller.story(request)
  try book.write(to: folder)
  return book.pages.map(\.text)
}
