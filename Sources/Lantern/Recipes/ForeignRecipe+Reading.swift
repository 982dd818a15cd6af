import LanternFormats
import LanternTokenizers

extension ForeignRecipe {
  /// How a setting of another program is read: into values of the recipe, or aside until all are
  /// known.
  package struct Reading: Sendable {
    /// Takes a text over; false where it is no value of the setting.
    let take: @Sendable (_ text: String, _ recipe: inout ForeignRecipe) -> Bool

    /// As the setting's row says.
    static func of(_ setting: ImageSetting) -> Reading { setting.reading }

    /// A value under a key.
    static func plain(
      _ key: String, _ value: @escaping @Sendable (String) -> JSONValue?
    ) -> Reading {
      Reading { text, recipe in
        guard let value = value(text) else { return false }
        recipe.values[key] = value
        return true
      }
    }

    /// Says nothing of the picture.
    static let ignored = Reading { _, _ in true }

    /// A prompt, in which tags name LoRAs.
    static let prompt = Reading { text, recipe in
      let (prompt, tags) = PromptSyntax.withoutTags(text)
      recipe.values["prompt"] = .string(tags.isEmpty ? prompt : prompt.trimmed)
      let loras = tags.filter { $0.kind != "hypernet" }
      recipe.add(loras: loras.map { label($0.name, $0.arguments) })
      if let other = tags.first(where: { $0.kind == "hypernet" }) {
        recipe.unheeded.append(other.text)
      }
      return true
    }

    /// A schedule, which is settled with the sampler.
    static let schedule = Reading { text, recipe in
      recipe.schedule = text
      return true
    }

    /// The exponent of a schedule.
    static let rho = Reading { text, recipe in
      recipe.rho = Double.number(ofForeign: text)
      return true
    }

    /// Width and height: "512x768", "(512, 768)".
    static let size = Reading { text, recipe in
      let sizes = text.split { "x×,() ".contains($0) }.map { Int($0) }
      guard sizes.count == 2, let width = sizes[0], let height = sizes[1] else { return false }
      (recipe.values["width"], recipe.values["height"]) = (width.json, height.json)
      return true
    }

    /// Layers of the text encoder that are left out, with 0 for none.
    static let clipSkip = layers { max($0, 0) }
    /// The same with 1 for none, as webui has it.
    static let clipSkipFromOne = layers { $0 > 1 ? $0 - 1 : 0 }
    /// The same with −1 for none, as ComfyUI has it.
    static let clipLayer = layers { $0 < -1 ? -1 - max($0, -1000) : 0 }

    private static func layers(_ count: @escaping @Sendable (Int) -> Int) -> Reading {
      plain("clip_skip") { Int.integer(ofForeign: $0).map { .integer(count($0)) } }
    }

    /// The model's name.
    static let model = plain("model") { .string($0) }
    /// Hashes of LoRAs by their names: "ink: 0123456789ab, lines: …".
    static let loraHashes = Reading { text, recipe in
      var hashes: [String: JSONValue] = [:]
      for part in text.split(separator: ",") {
        let pair = part.split(separator: ":").map { String($0).trimmed }
        guard pair.count == 2 else { return false }
        hashes[file(pair[0])] = .string(pair[1].lowercased())
      }
      recipe.values[PictureRecipe.Key.loraHashes] = .object(hashes)
      return true
    }
    /// The hash of the model's weights.
    static let modelHash = plain("model_hash") { .string($0.lowercased()) }
  }
}
