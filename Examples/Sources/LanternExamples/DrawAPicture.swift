import Lantern

/// Draws a picture, writes it, and draws it again from what its file says.
///
/// - Parameter folder: where the picture goes.
/// - Returns: the picture's path.
/// - Throws: a `LanternError`.
public func drawAPicture(into folder: String) async throws -> String {
  let generator = try ImageGenerator(.picturebook)
  var request = ImageRequest(prompt: "a red fox on the beach")
  request.seed = 7
  let image = try await generator.image(request)
  let path = "\(folder)/fox.png"
  try image.picture.write(to: path)
  print("as JPEG it would be \(try image.picture.jpeg(quality: 90).count) bytes")

  // The file says how it was drawn.
  if let recipe = try PictureRecipe(Picture(contentsOf: path).metadata) {
    let again = try await generator.image(recipe.request)
    print(again.picture == image.picture ? "drawn again, it is the same" : "it is another")
  }
  return path
}
