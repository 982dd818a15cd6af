import LanternPictures

/// Where stable-diffusion-webui's text has a setting.
package struct WebUISetting<Request: Configurable>: Sendable {
  /// Its name there, then those of programs that write like it.
  let names: [String]
  /// How it is read, where that is not as other programs' text.
  let reading: ForeignRecipe.Reading?
  /// Other names that say more of it, and how these are read.
  let others: [String: ForeignRecipe.Reading]
  /// What is written.
  let fields: @Sendable (Request, PictureRecipe?) -> [WebUIText.Field]

  /// A setting with a field of its own, which is left out where its value is nil.
  init(
    _ names: String..., reading: ForeignRecipe.Reading? = nil,
    value: @escaping @Sendable (Request, PictureRecipe?) -> String?
  ) {
    (self.names, self.reading, others) = (names, reading, [:])
    fields = { request, recipe in
      value(request, recipe).map { [WebUIText.Field(names[0], $0)] } ?? []
    }
  }

  /// A setting that several fields say.
  init(
    _ names: String..., others: [String: ForeignRecipe.Reading],
    fields: @escaping @Sendable (Request, PictureRecipe?) -> [WebUIText.Field]
  ) {
    (self.names, reading, self.others, self.fields) = (names, nil, others, fields)
  }
}

extension Setting {
  /// What stable-diffusion-webui's text says of some settings of a request.
  static func fields(
    _ settings: [Setting], of request: Request, _ recipe: PictureRecipe? = nil
  ) -> [WebUIText.Field] {
    settings.flatMap { $0.webUI?.fields(request, recipe) ?? [] }
  }
}
