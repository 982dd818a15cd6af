import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// The picture of `--like`, which is to be drawn again and compared.
struct Original {
  /// How it was drawn.
  let recipe: PictureRecipe
  private let picture: Picture
  private let path: String
  /// JPEG changes pixels: the new picture is compared as it would be after the same.
  private let isJPEG: Bool

  /// Reads the picture and what its file says of how it was drawn.
  init(_ path: String) throws {
    self.path = path
    let start = try FileSystem.read(path, limit: 1 << 30).prefix(16)
    if start.starts(with: Array("RIFF".utf8)), start.suffix(8).starts(with: Array("WEBP".utf8)) {
      throw FormatError.unsupportedFileKind(
        path: path,
        remedy:
          "is a WebP picture, which Lantern does not read: give a PNG or JPEG with its settings, "
          + "or take prompt and settings from it by hand")
    }
    isJPEG = start.starts(with: [0xFF, 0xD8])
    picture = try Picture(contentsOf: path)
    guard let recipe = try PictureRecipe(PictureMetadata(contentsOf: path)) else {
      throw FormatError.unsupportedFileKind(
        path: path,
        remedy: "says nothing of how it was drawn: give a picture of Lantern, "
          + "stable-diffusion-webui, ComfyUI or another program that writes its settings into the file"
      )
    }
    self.recipe = recipe
  }

  /// Refuses to draw one of Lantern's without the LoRAs that drew it; of another program's picture
  /// that is noted.
  func checkLoRAs(_ given: [LoRA]) throws {
    guard recipe.program == nil, given.isEmpty, !recipe.loras.isEmpty else { return }
    throw ValidationError(
      "that picture was drawn with \(recipe.loras.joined(separator: ", ")): name it with --lora FILE, "
        + "or the folder that it is in with --lora-folder FOLDER")
  }

  /// The embeddings that drew it, of which it has the names.
  ///
  /// - Parameter folder: where they are.
  /// - Returns: the embeddings.
  /// - Throws: ``ValidationError`` where no folder is named, `FormatError` for one that it does not have.
  func embeddings(in folder: EmbeddingFolder?) throws -> [TextualInversion] {
    let named = recipe.request.embeddings
    guard let folder else {
      guard named.isEmpty else {
        let names = named.map(\.label).joined(separator: ", ")
        throw ValidationError(
          "that picture was drawn with \(names): name it with --embedding FILE, or the folder that it "
            + "is in with --embedding-folder FOLDER")
      }
      return []
    }
    return try named.map { try folder.embedding(named: $0.path, token: $0.token) }
  }

  /// Refuses to draw one of Lantern's without the parts that went before its model's own.
  func checkParts(_ given: ModelParts) throws {
    let options = [
      ("vae", given.autoencoder), ("text_encoder", given.textEncoder),
      ("text_encoder_2", given.textEncoder2), ("text_encoder_3", given.textEncoder3),
      ("tokenizer", given.tokenizer),
    ]
    for (part, path) in options where path == nil && recipe.program == nil {
      guard let name = recipe.parts[part] else { continue }
      throw ValidationError(
        "that picture was drawn with \(JSON.quoted(name)) as its \(part): name it with "
          + "--\(part.replacing("_", with: "-"))")
    }
  }

  /// Refuses to draw a picture with another decoder than the one that drew it.
  func checkDecoder(_ given: String?) throws {
    guard given == nil, let name = recipe.tinyDecoder else { return }
    throw ValidationError("that picture was decoded by \(name): name it with --tiny-decoder FILE")
  }

  /// Refuses to draw one of Lantern's without the refiner that drew it.
  func checkRefiner(_ given: String?) throws {
    guard let name = recipe.refiner, given == nil else { return }
    throw ValidationError(
      "that picture was drawn with the refiner \(name): name it with --refiner FILE")
  }

  /// Refuses to draw one of Lantern's without the picture that it began from, or its mask; other programs' texts
  /// do not say whether there was one.
  func checkInitialPicture(of request: ImageRequest) throws {
    if recipe.needsInitialPicture, request.initialPicture == nil {
      throw ValidationError("that picture began from another: name it with --init")
    }
    if let control = request.controls.first(where: { $0.picture == nil }) {
      throw ValidationError(
        "that picture followed another by \(control.name): name both with "
          + "--control NETWORK:PICTURE")
    }
    if let prompt = request.imagePrompts.first(where: { $0.picture == nil }) {
      throw ValidationError(
        "that picture had another next to its prompt, by \(prompt.name): name both with "
          + "--image-prompt ADAPTER:PICTURE")
    }
    let lost = request.references.filter { $0.picture == nil }.map(\.name)
    if !lost.isEmpty {
      throw ValidationError(
        "that picture was drawn from \(lost.joined(separator: ", ")): name each with --reference FILE"
      )
    }
    if recipe.needsMask, request.mask == nil {
      throw ValidationError("that picture was drawn behind a mask: name it with --mask")
    }
  }

  /// Notes settings without an effect, and a model that is not the one that drew
  /// it.
  func reportDifferences(
    from generator: ImageGenerator, _ request: ImageRequest, _ loras: [LoRA], _ console: Console
  ) {
    for note in recipe.notes { console.note(note) }
    if let strength = recipe.foreignStrength, request.initialPicture == nil {
      console.note(
        "denoising strength \(strength) has no effect without a picture to begin from: --init FILE")
    }
    let name = HubCache.name(of: generator.model.path)
    let hash = generator.model.hash
    let hasOtherHash = recipe.modelHash != nil && hash != nil && recipe.modelHash != hash
    if let model = recipe.model, model != name {
      console.note(
        "that picture was drawn by \(JSON.quoted(model)), and this model is \(JSON.quoted(name))")
    } else if hasOtherHash, let old = recipe.modelHash, let hash {
      console.note(
        "that picture was drawn by weights of the hash \(JSON.quoted(old)), and these are \(hash)")
    }
    if let strange = recipe.unknownPrecision {
      console.note(
        "that picture was drawn in precision \(JSON.quoted(strange)), which is not known here")
    }
    let (old, new) = (Set(recipe.loras), Set(loras.map(\.label)))
    if old != new, recipe.program == nil || !new.isEmpty {
      console.note("that picture was drawn with other LoRAs: \(recipe.loras)")
    } else if old != new {
      console.note(
        "that picture was drawn with \(recipe.loras.joined(separator: ", ")), which is not added: "
          + "name it with --lora FILE, or its folder with --lora-folder FOLDER")
    }
    let given = Dictionary(
      request.embeddings.map { ($0.name, $0.shortHash) }, uniquingKeysWith: { $1 })
    let others =
      Self.others(recipe.loraHashes, generator.model.loraHashes)
      + Self.others(recipe.embeddingHashes, given.compactMapValues(\.self))
    for other in others { console.note("that picture was drawn with another file \(other)") }
    let (followed, follows) = (Self.words(recipe.request), Self.words(request))
    if !followed.isEmpty, followed.sorted() != follows.sorted() {
      console.note(
        "that picture followed others by \(followed.joined(separator: ", ")), and this one by "
          + follows.joined(separator: ", "))
    }
  }

  /// Files of one name and another hash.
  private static func others(_ old: [String: String], _ new: [String: String]) -> [String] {
    old.sorted { $0.key < $1.key }.compactMap { name, hash in
      guard let found = new[name], found != hash else { return nil }
      return
        "\(JSON.quoted(name)): its hash was \(JSON.quoted(hash)), and that of this one is \(found)"
    }
  }

  /// What each picture that is followed, or stands next to the prompt, goes through.
  private static func words(_ request: ImageRequest) -> [String] {
    request.controls.map { control in
      control.name + (control.preprocessor.map { ":\($0.rawValue)" } ?? "")
    } + request.imagePrompts.map(\.name)
  }

  /// Says whether the new picture is the old one.
  func compare(_ new: Picture, _ console: Console) throws {
    guard new.width == picture.width, new.height == picture.height else {
      console.report("differs from \(path): another size")
      console.event(["event": .string("comparison"), "identical": .bool(false)])
      return
    }
    let new = isJPEG ? try Picture(new.jpeg(quality: Picture.jpegQuality, [:]), path: path) : new
    let difference = PictureDifference(new, picture)
    console.report(difference.sentence(about: path, drawnOn: recipe.instructionSet))
    var event: [String: JSONValue] = [
      "event": .string("comparison"), "identical": .bool(difference.maximum == 0),
      "most": .integer(difference.maximum), "values": .integer(difference.values),
      "of": .integer(difference.count),
    ]
    if let instructions = recipe.instructionSet {
      event["instruction_set"] = .string(instructions)
    }
    console.event(event)
  }
}

/// How far apart two pictures of one size are, value by value.
struct PictureDifference {
  /// The largest difference, of 255.
  let maximum: Int
  /// How many values differ.
  let values: Int
  /// How many there are.
  let count: Int

  init(_ a: Picture, _ b: Picture) {
    var (maximum, values) = (0, 0)
    for (x, y) in zip(a.pixels, b.pixels) where x != y {
      maximum = max(maximum, abs(Int(x) - Int(y)))
      values += 1
    }
    (self.maximum, self.values, self.count) = (maximum, values, a.pixels.count)
  }

  /// A line for people.
  ///
  /// - Parameters:
  ///   - path: what the older picture is called.
  ///   - instructions: the instruction set that drew it, where that is known: a cause that is not
  ///     known is not named.
  /// - Returns: the line.
  func sentence(about path: String, drawnOn instructions: String?) -> String {
    guard maximum > 0 else { return "identical to \(path)" }
    let here = ComputeEngine.instructionSet
    let cause =
      instructions.map {
        $0 == here ? "" : "; drawn on another instruction set: \($0), here \(here)"
      } ?? ""
    return maximum == 1
      ? "equal to the eye: \(path) (differs by 1/255 in \(values) values\(cause))"
      : "differs from \(path) in \(values) of \(count) values, by \(maximum)/255 at most\(cause)"
  }
}
