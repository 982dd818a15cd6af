import LanternPlatform
import LanternFormats
import LanternLayers
import LanternTensor

/// A loader of the parts of a model, which collects notes on their files.
struct PartReader: Sendable {
  let source: any ModelSource
  /// Of the weights.
  let variant: String?
  /// What is added to the weights.
  let adapters: [Adapter]
  /// What the denoiser computes in.
  let precision: Precision
  /// Notes on the parts that were read: a line each.
  let notes = Locked<[String]>([])
  private let files = Locked<[String: [String]]>([:])
  private let variants = Locked<Set<String>>([])
  private let hasVariant = Locked(false)

  init(
    _ source: any ModelSource, variant: String?, adding adapters: [Adapter],
    precision: Precision
  ) {
    self.source = source
    self.variant = variant
    self.adapters = adapters
    self.precision = precision
  }

  /// Reads a part.
  ///
  /// - Parameters:
  ///   - component: its name in `model_index.json`.
  ///   - stems: names that its files of weights may have.
  ///   - catalogue: models by class.
  ///   - precision: what it computes in.
  ///   - isPlan: whether none of its linear maps is read, so that it computes nothing.
  /// - Returns: the model.
  /// - Throws: an error of the room where something is wrong.
  func read<Model>(
    _ component: String, stems: [String] = ["diffusion_pytorch_model"],
    _ catalogue: [String: @Sendable (Config, Weights) throws(ModelError) -> Model],
    _ precision: Precision, isPlan: Bool = false
  ) throws -> Model {
    let part = try source.component(component)
    let name = part.className ?? ""
    guard let make = catalogue[name] else {
      throw RequestError.unsupportedModel(
        kind: name, path: part.path, supported: catalogue.keys.sorted().joined(separator: ", "))
    }
    let config = try part.config("config.json")
    let archive = try part.weights(stems: stems, variant: variant)
    // A part of one file has names that were translated.
    if !(part is FileComponent), let kind = CheckpointKind(names: archive.names), kind.isOriginal {
      throw ModelError.unsupported(what: "is \(kind.name)", file: archive.file(of: ""))
    }
    // Adapters call any denoiser so.
    let layer = component == "transformer" ? "unet" : component
    let model = try make(
      config,
      Weights(archive, of: layer, adding: adapters, precision: precision, isPlan: isPlan))
    notes { $0 += archive.notes + config.notes }
    files { $0[component] = archive.paths }
    variants { $0.formUnion(part.variants(stems: stems)) }
    if let variant, archive.variant == variant {
      hasVariant { $0 = true }
    }
    return model
  }

  /// Paths of the weights of a part that was read.
  func files(of component: String) -> [String] { files { $0[component] ?? [] } }

  /// Checks that some part has the requested variant; as in diffusers, not all need it.
  func checkVariant() throws(FormatError) {
    guard let variant, !hasVariant({ $0 }) else { return }
    let there = variants { $0.sorted().joined(separator: ", ") }
    throw .missingFile(
      path: "\(source.path): weights of the variant \(JSON.quoted(variant))",
      remedy: there.isEmpty ? "there are plain ones alone: leave it out" : "there are \(there)")
  }
}
