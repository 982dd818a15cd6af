import Lantern

/// Tells what a picture shows, and answers a question about it.
///
/// - Parameter picture: of any size.
/// - Returns: the caption and the answer.
/// - Throws: a `LanternError`.
public func askAbout(_ picture: Picture) async throws -> (caption: String, answer: String) {
  let teller = try StoryGenerator(.storyteller)
  return (
    try await teller.caption(of: picture),
    try await teller.caption(of: picture, question: "what color is it?")
  )
}
