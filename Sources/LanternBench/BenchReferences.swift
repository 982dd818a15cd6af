import LanternPlatform
import LanternFormats
import LanternPictures
import LanternTensor

/// Converged pictures, each with its latent, kept in a bench's folder so that a bench that goes on need not
/// draw them again.
struct BenchReferences {
  /// A converged picture.
  struct Reference {
    let latent: [Float]
    let picture: Picture
  }

  private let folder: String

  /// Those of a bench's folder.
  init(in folder: String) { self.folder = FileSystem.join(folder, "references") }

  private func path(_ name: String) -> String { FileSystem.join(folder, name) }

  /// The one of a name, if it is there and was drawn as `facts` say.
  func load(_ name: String, drawnAs facts: [String: String]) -> Reference? {
    guard let file = try? SafetensorsFile(path(name + ".safetensors")), file.metadata == facts,
      let latent = try? file.tensor("latent")?.floats(),
      let picture = try? Picture(contentsOf: path(name + ".png"))
    else { return nil }
    return Reference(latent: latent, picture: picture)
  }

  /// Keeps one. The latent, which says how both were drawn, comes last: without it there is none.
  ///
  /// - Throws: ``FormatError`` or ``PictureError`` when it cannot be written.
  func keep(_ reference: Reference, as name: String, drawnAs facts: [String: String]) throws {
    try FileSystem.makeFolder(folder)
    try reference.picture.write(to: path(name + ".png"))
    let latent = try Tensor(reference.latent, shape: [reference.latent.count])
    try SafetensorsFile.write(
      [("latent", latent)], metadata: facts, to: path(name + ".safetensors"))
  }
}
