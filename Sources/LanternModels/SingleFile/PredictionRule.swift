import LanternPlatform
import LanternFormats
import LanternLayers
import LanternTensor

/// What the U-Net of a checkpoint in one file predicts, and how that is known.
///
/// The first rule that says something decides: a request, a `.yaml` next to the file (as
/// stable-diffusion-webui reads it), keys `v_pred` and `ztsnr`, metadata `modelspec` (the Stability AI
/// model metadata standard), and the spread of a bias (ComfyUI's test for Stable Diffusion 2).
package struct Prediction: Sendable, Equatable {
  /// As schedulers call it: `epsilon`, `v_prediction`.
  package let type: String
  /// Whether the last timestep is noise alone (Lin et al. 2023, arXiv:2305.08891).
  package let hasZeroTerminalSNR: Bool
  /// What decided.
  package let rule: String

  package init(_ type: String, zeroTerminalSNR: Bool = false, by rule: String) {
    (self.type, self.hasZeroTerminalSNR, self.rule) = (type, zeroTerminalSNR, rule)
  }

  private static let velocity = "v_prediction"

  /// What the rules say of a file.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - denoiser: its U-Net in diffusers' names.
  ///   - kind: what it is.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for EDM's, ``ModelError/file(_:)`` for a file that
  ///   cannot be read.
  init(of file: any TensorFile, _ denoiser: RenamedFile, _ kind: SingleFileKind)
    throws(ModelError)
  {
    for key in ["edm_vpred.sigma_max", "edm_mean"] where file.contains(key) {
      throw .unsupported(
        what: "is a model of EDM's noise levels (its key \(JSON.quoted(key)))", file: file.path)
    }
    do throws(FormatError) {
      if let found = try Self.fromYAML(next: file.path) {
        self = found
      } else if let found = Self.fromKeys(file) ?? Self.fromMetadata(file.metadata) {
        self = found
      } else if let found = try Self.fromBias(denoiser, kind) {
        self = found
      } else {
        self = Prediction("epsilon", by: "nothing in the file says otherwise")
      }
    } catch {
      throw .file(error)
    }
  }

  private static func fromYAML(next path: String) throws(FormatError) -> Prediction? {
    let (folder, name) = FileSystem.split(path)
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let yaml = FileSystem.join(folder, "\(name[..<dot]).yaml")
    guard FileSystem.exists(yaml) else { return nil }
    let text = String(decoding: try FileSystem.read(yaml, limit: 1 << 20), as: UTF8.self)
    for line in text.split(whereSeparator: \.isNewline) {
      let pair = line.split(separator: ":", maxSplits: 1).map { part in
        part.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
      }
      guard pair.count == 2 else { continue }
      if pair[0] == "parameterization" {
        return Prediction(pair[1] == "v" ? velocity : "epsilon", by: "parameterization in \(yaml)")
      }
      if pair[0] == "target", pair[1].hasSuffix(".VScaling") {
        return Prediction(velocity, by: "scaling_config in \(yaml)")
      }
    }
    return nil
  }

  private static func fromKeys(_ file: any TensorFile) -> Prediction? {
    guard file.contains("v_pred") else { return nil }
    let isZero = file.contains("ztsnr")
    return Prediction(
      velocity, zeroTerminalSNR: isZero, by: isZero ? "the keys v_pred and ztsnr" : "the key v_pred"
    )
  }

  private static func fromMetadata(_ metadata: [String: String]) -> Prediction? {
    let key = "modelspec.prediction_type"
    let isZero = metadata["ss_zero_terminal_snr"]?.lowercased() == "true"
    switch metadata[key] {
    case "v", velocity: return Prediction(velocity, zeroTerminalSNR: isZero, by: "metadata \(key)")
    case "epsilon": return Prediction("epsilon", by: "metadata \(key)")
    default: break
    }
    let architecture = metadata["modelspec.architecture"] ?? ""
    guard architecture.hasPrefix("stable-diffusion-v2"), architecture.hasSuffix("-v") else {
      return nil
    }
    return Prediction(velocity, by: "metadata modelspec.architecture")
  }

  /// Of Stable Diffusion 2 alone, whose two kinds have the same keys and shapes: training for velocity
  /// widened this bias.
  private static func fromBias(_ denoiser: RenamedFile, _ kind: SingleFileKind) throws(FormatError)
    -> Prediction?
  {
    guard kind.velocitySampleSize != nil,
      denoiser.info("conv_in.weight")?.shape.dropFirst().first == 4
    else { return nil }
    let ending = ".transformer_blocks.0.norm1.bias"
    // Of the last attention on the way up.
    let name = denoiser.names.filter { $0.hasPrefix("up_blocks.") && $0.hasSuffix(ending) }
      .max { $0.utf8.count == $1.utf8.count ? $0 < $1 : $0.utf8.count < $1.utf8.count }
    guard let name, let bias = try denoiser.tensor(name) else { return nil }
    do {
      let values = try bias.converted(to: .float32).floats().map(Double.init)
      guard !values.isEmpty else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return Prediction(
        variance > 0.09 * 0.09 ? velocity : "epsilon", by: "the spread of a bias, as in ComfyUI")
    } catch {
      throw .tensor(error)
    }
  }
}
