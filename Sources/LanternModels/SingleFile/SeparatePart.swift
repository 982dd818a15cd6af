package import LanternFormats
package import LanternLayers
import LanternPlatform

extension SingleFileKind {
  /// The kind whose parts fit a model's.
  ///
  /// - Parameter source: a file, whose kind it is, or a folder.
  /// - Returns: the kind.
  package static func of(_ source: any ModelSource) -> SingleFileKind {
    if let file = source as? SingleFile { return file.kind }
    let takesPooled = source.componentNames.contains("text_encoder_2")
    let isRefiner = source.settings[score] == .bool(true)
    let kinds = all.filter {
      $0.takesPooled == takesPooled && $0.takesAestheticScore == isRefiner
    }
    let config = try? source.component("unet").config("config.json")
    let width = config?.value("cross_attention_dim")?.integer
    if let known = kinds.first(where: { $0.contextWidth == width }) { return known }
    // Of another width by how it is built, as of a file.
    let isLinear = config?.value("use_linear_projection")?.bool == true
    return (isLinear ? kinds.last : kinds.first) ?? all[0]
  }

  package func part(_ name: String, at path: String, for model: any ModelSource)
    throws(ModelError) -> any ModelComponent
  {
    if FileSystem.isDirectory(path) {
      do throws(FormatError) {
        let encoder = textEncoders.first { $0.component == name }
        return try FolderComponent.part(
          name, at: path, as: encoder?.className, or: model.className(of: name))
      } catch {
        throw .file(error)
      }
    }
    let file: any TensorFile
    do throws(FormatError) {
      file = try openTensorFile(path)
    } catch {
      throw .file(error)
    }
    return try name == "vae" ? autoencoder(in: file, for: model) : textEncoder(name, in: file)
  }

  private func autoencoder(in file: any TensorFile, for model: any ModelSource)
    throws(ModelError) -> any ModelComponent
  {
    let prefixes = SingleFilePart.Prefixes.autoencoder + [""]
    guard let part = SingleFilePart.autoencoder(in: file, below: prefixes) else {
      throw .file(.missingPart(name: "autoencoder in names that Lantern knows", path: file.path))
    }
    // What the model's own was scaled by.
    let own = try? model.component("vae").config("config.json")
    var settings = try ShapeSettings(file: part.tensors).autoencoder(
      scalingFactor: own?.value("scaling_factor")?.double ?? scalingFactor,
      sampleSize: 8 * sampleSize)
    settings["shift_factor"] = own?.value("shift_factor")
    return FileComponent("AutoencoderKL", settings, part.tensors, path: file.path)
  }

  private func textEncoder(_ name: String, in file: any TensorFile) throws(ModelError)
    -> any ModelComponent
  {
    guard let encoder = textEncoders.first(where: { $0.component == name }) else {
      throw .inconsistent(reason: "\(self.name) has no \(name)", file: file.path)
    }
    guard let part = encoder.find(in: file, isAlone: true) else {
      throw .file(.missingPart(name: "text encoder in names that Lantern knows", path: file.path))
    }
    return FileComponent(
      encoder.className, try part.textEncoderSettings, part.tensors, path: file.path)
  }
}
