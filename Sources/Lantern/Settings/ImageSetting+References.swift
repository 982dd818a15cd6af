import LanternFormats
import LanternPictures

/// Rows of settings of references.
extension ImageSetting {
  package static var references: ImageSetting {
    ImageSetting(
      "references", \.references, .picture, key: "references",
      range: "as many as the model takes",
      check: { request, model in
        guard !request.references.isEmpty else { return }
        guard let form = model.referenceForm else {
          throw RequestError.needs(
            name: "a reference", other: "a model that takes one: FLUX.1 Kontext or FLUX.2 klein")
        }
        if let lost = request.references.first(where: { $0.picture == nil }) {
          throw RequestError.needs(name: "the reference \(lost.name)", other: "a picture")
        }
        try form.check(request.references)
      },
      option: SettingOption(
        "reference", .values("picture"),
        "A picture to draw from as the prompt says, of models like FLUX.1 Kontext and FLUX.2 klein; may be "
          + "given several times.",
        default: "none", takesDashes: false
      ).taking(
        [String].self,
        assign: { given, request in
          request.references = try given.map { path in
            ReferencePicture(name: LoRA(path).name, picture: try Picture(contentsOf: path))
          }
        }))
  }
}

/// A reference, of which a recipe says the name.
extension ReferencePicture: SettingValue {
  package typealias Given = ReferencePicture
  package static var typeName: String { "file's name" }
  package init?(json: JSONValue) {
    guard let name = json.string else { return nil }
    self.init(name: name, picture: nil)
  }
  package var json: JSONValue { .string(name) }
}
