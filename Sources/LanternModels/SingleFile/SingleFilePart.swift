package import LanternFormats

/// The tensors of one part in a file that may hold several, by the names that its class reads.
package struct SingleFilePart {
  /// What stands before the names of a part in files that hold others too; in a file of its own, nothing.
  package enum Prefixes: Sendable {
    static let denoiser = ["model.diffusion_model.", "unet.", ""]
    static let autoencoder = ["first_stage_model.", "vae."]
  }

  /// The part's tensors.
  package let tensors: RenamedFile
  /// Whether they are an open_clip's.
  let isOpenCLIP: Bool
  /// What of the file was read for it.
  let sources: Set<String>

  private init(
    _ file: any TensorFile, _ views: [(name: String, view: TensorView)], isOpenCLIP: Bool = false
  ) {
    let scaled = views.map { ($0.name, Self.scaled($0.view, in: file)) }
    self.tensors = RenamedFile(file, scaled)
    self.isOpenCLIP = isOpenCLIP
    self.sources = Set(scaled.flatMap { [$0.1.source, $0.1.scale].compactMap(\.self) })
  }

  /// The tensors below a prefix, of each of which several may be made. One whose name is not known keeps it, so that
  /// the model refuses it; of a file without a prefix it may be another part's.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - prefix: before all names.
  ///   - views: what is made of a tensor, by its name without the prefix and with it, and its rows; nil for a name that
  ///     is not known.
  init(
    _ file: any TensorFile, below prefix: String,
    _ views: (_ name: String, _ source: String, _ rows: Int) -> [(name: String, view: TensorView)]?
  ) {
    var all: [(name: String, view: TensorView)] = []
    for source in file.names where source.hasPrefix(prefix) && !SingleFileBookkeeping.holds(source)
    {
      let name = String(source.dropFirst(prefix.count))
      let unknown = prefix.isEmpty ? [] : [(name, TensorView(source))]
      all += views(name, source, file.size(source, 0)) ?? unknown
    }
    self.init(file, all)
  }

  /// The tensors below the first prefix that has one of some names, under their own; nil where none has.
  static func whole(in file: any TensorFile, below prefixes: [String], marks: [String])
    -> SingleFilePart?
  {
    let found = prefixes.first { prefix in marks.contains { file.contains(prefix + $0) } }
    return found.map { prefix in
      SingleFilePart(file, below: prefix) { name, source, _ in [(name, TensorView(source))] }
    }
  }

  /// A weight with its scale, where the file has one: ComfyUI's 8-bit floats.
  private static func scaled(_ view: TensorView, in file: any TensorFile) -> TensorView {
    guard view.source.hasSuffix(".weight") else { return view }
    let layer = view.source.dropLast(".weight".count)
    var view = view
    view.scale = Quantization.scaleNames.map { "\(layer).\($0)" }.first(where: file.contains)
    return view
  }

  /// A U-Net; nil where the file has none.
  static func denoiser(in file: any TensorFile, below prefixes: [String] = Prefixes.denoiser)
    -> SingleFilePart?
  {
    for prefix in prefixes {
      func has(_ name: String) -> Bool { file.contains(prefix + name) }
      if has("input_blocks.0.0.weight") {
        let names = UNetLayout(original: has).names
        return SingleFilePart(file, views(in: file, below: prefix) { names($0) })
      }
      if has("conv_in.weight"), has("down_blocks.0.resnets.0.norm1.weight") {
        return SingleFilePart(file, views(in: file, below: prefix) { $0 })
      }
    }
    return nil
  }

  /// An autoencoder; nil where the file has none.
  static func autoencoder(in file: any TensorFile, below prefixes: [String] = Prefixes.autoencoder)
    -> SingleFilePart?
  {
    for prefix in prefixes {
      func has(_ name: String) -> Bool { file.contains(prefix + name) }
      if has("encoder.down.0.block.0.norm1.weight") {
        let names = AutoencoderLayout(original: has).names
        let all = views(in: file, below: prefix) { names($0) }
        // Attention is of 1×1 convolutions there and of matrices here.
        return SingleFilePart(
          file,
          all.map { name, view in
            var view = view
            view.dropsTrailingOnes = name.contains(".attentions.")
            return (name, view)
          })
      }
      if has("encoder.down_blocks.0.resnets.0.norm1.weight") {
        return SingleFilePart(file, views(in: file, below: prefix) { $0 })
      }
    }
    return nil
  }

  /// Finds a text encoder.
  ///
  /// - Parameters:
  ///   - file: where it may be.
  ///   - prefixes: what may stand before its names.
  ///   - isProjected: whether the projection of its pooled vector is read.
  ///   - endsBeforeLast: whether an open_clip's last layer is left out.
  /// - Returns: the part; nil where the file has none.
  static func textEncoder(
    in file: any TensorFile, below prefixes: [String], isProjected: Bool, endsBeforeLast: Bool
  ) -> SingleFilePart? {
    for prefix in prefixes {
      func has(_ name: String) -> Bool { file.contains(prefix + name) }
      if has("transformer.resblocks.0.ln_1.weight") {
        let count = OpenCLIPNames.layerCount(has)
        // Files that were made of a folder have lost that layer already, and the projection with it.
        let isWhole = has(OpenCLIPNames.projection.original)
        let layers = endsBeforeLast && isWhole && count > 1 ? count - 1 : count
        return SingleFilePart(
          file,
          OpenCLIPNames.views(
            in: file, below: prefix, layers: layers, isProjected: isProjected), isOpenCLIP: true)
      }
      if ["text_model.", ""].contains(where: { has("\($0)encoder.layers.0.layer_norm1.weight") }) {
        return SingleFilePart(
          file,
          views(in: file, below: prefix) { name in
            isProjected || !name.hasPrefix("text_projection") ? name : nil
          })
      }
    }
    return nil
  }

  /// The tensors below a prefix under other names. One whose name is not known keeps it, so that the model
  /// refuses it; of a file without a prefix it may be another part's.
  private static func views(
    in file: any TensorFile, below prefix: String, _ rename: (String) -> String?
  ) -> [(name: String, view: TensorView)] {
    file.names.compactMap { source in
      guard source.hasPrefix(prefix), !SingleFileBookkeeping.holds(source) else { return nil }
      let name = String(source.dropFirst(prefix.count))
      guard let known = rename(name) ?? (prefix.isEmpty ? nil : name) else { return nil }
      return (known, TensorView(source))
    }
  }
}

/// Tensors of checkpoints in one file that no model reads: of training, schedules and quantization.
enum SingleFileBookkeeping {
  private static let names: Set<String> = [
    "betas", "logvar", "v_pred", "ztsnr", "edm_mean", "edm_std", "edm_vpred.sigma_max",
    "edm_vpred.sigma_min", "denoiser.sigmas", "global_step",
  ]
  private static let beginnings = [
    "alphas_cumprod", "sqrt_", "posterior_", "log_one_minus", "model_ema.", "loss.", "optimizer",
    "embedding_manager", "first_stage_model.loss.", "lvlb_weights",
  ]
  private static let endings = [
    "position_ids", "logit_scale", "scaled_fp8", ".scale_weight", ".scale_input", ".weight_scale",
    ".input_scale", ".comfy_quant",
  ]

  /// Whether a tensor is one of them.
  static func holds(_ name: String) -> Bool {
    names.contains(name) || beginnings.contains(where: name.hasPrefix)
      || endings.contains(where: name.hasSuffix)
  }
}
