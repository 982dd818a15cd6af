/// Options as other programs spell them: stable-diffusion.cpp, CompVis' scripts, diffusers,
/// stable-diffusion-webui, Apple's and MLX' tools.
enum PeerOptions {
  /// Other spellings of our options, where the meaning is the same. `_` and `-` are alike.
  static let spellings = [
    "--guidance": ["cfg", "cfg-scale", "guidance-scale", "scale"],
    "--image-guidance": ["image-cfg-scale", "image-guidance-scale", "img-cfg-scale"],
    "--steps": [
      "ddim-steps", "inference-steps", "num-inference-steps", "num-steps", "step-count",
    ],
    "--sampler": ["sampler-name", "sampling", "sampling-method"],
    "--schedule": ["noise-schedule", "scheduler"],
    "--eta": ["ddim-eta"],
    "--negative": ["neg", "neg-prompt", "negative-prompt"],
    "--count": [
      "batch-count", "image-count", "images", "n-iter", "num-images", "num-images-per-prompt",
      "num-outputs",
    ],
    "--init": ["image", "image-path", "init-image", "init-img", "init-picture", "input-image"],
    "--mask": ["mask-image", "mask-img"],
    "--strength": ["denoise", "denoising-strength"],
    "--output": ["out", "outfile", "output-file", "save"],
    "--overwrite": ["force"],
    "--text-encoder": ["clip-l"], "--text-encoder-2": ["clip-g"],
    "--model": [
      "checkpoint", "ckpt", "ckpt-path", "diffusers-model", "model-path",
      "pretrained-model-name-or-path",
    ],
    "--threads": ["n-threads", "num-threads"],
    "--prompts": ["from-file", "prompt-file", "prompts-file"],
    "--vae-tiling": ["enable-vae-tiling", "tiled-vae"],
    "--temperature": ["temp"], "--repetition-penalty": ["repeat-penalty"],
    "--dynamic-thresholding": ["mimic-scale"],
    "--cfg++": ["cfg-pp", "cfgpp"], "--no-cfg++": ["no-cfg-pp"],
    "--pages": ["num-pages", "page-count"],
    "--illustrator": ["painter"],
    "--lora-folder": ["lora-dir", "lora-model-dir"],
    "--embedding": ["embeddings", "textual-inversion"],
    "--embedding-folder": ["embd-dir", "embedding-dir", "embeddings-dir"],
  ]
  /// Flags that are an option with a value here.
  static let flags = [
    "--plms": ["--sampler", "pndm"], "--dpm-solver": ["--sampler", "dpm++2m"],
  ]

  /// What to do in place of options that have no like here.
  static let hints: [(names: [String], hint: String)] = [
    (
      ["diffusion-model", "t5xxl", "unet"],
      "a model is one file or one folder with its parts: give it with --model"
    ),
    (
      ["config", "resource-path"],
      "a model is one file, or a folder as diffusers lays it out: give it with --model"
    ),
    (
      [
        "clip-on-cpu", "compute-units", "control-net-cpu", "cpu", "cuda", "device", "diffusion-fa",
        "fa",
        "flash-attn", "gpu", "gpu-layers", "n-gpu-layers", "ngl", "no-half", "offload-to-cpu",
        "use-cpu", "vae-on-cpu", "xformers",
      ], "everything runs on the processor: leave it out"
    ),
    (["lowvram", "medvram"], "take --vae-tiling and --precision int8 to save memory"),
    (["bits", "half", "quant", "quantize"], "choose with --precision NAME"),
    (["rng"], "noise is PyTorch's always: leave it out"),
    (["lora-path", "lora-paths"], "give each with --lora FILE:0.8"),
    (["lora-scale", "lora-scales", "lora-weight"], "give it behind the file: --lora FILE:0.8"),
    (
      ["outdir", "output-dir", "output-path", "save-dir"],
      "give the file's name, or a pattern: -o FOLDER/picture-%03d.png; stories take a folder: -o FOLDER"
    ),
    (["resolution", "size"], "give both sides: -W 512 -H 512"),
    (["batch-size", "n-samples"], "pictures are drawn one by one: give their number with -b"),
    (["grid", "n-rows", "skip-grid", "skip-save"], "take lantern sheet for many pictures on one"),
    (
      ["canny", "control-image", "control-net", "controlnet"],
      "give network and picture together: --control NETWORK:PICTURE, or --control NETWORK:canny:PHOTO"
    ),
    (["taesd"], "give the tiny decoder with --tiny-decoder FILE"),
    (["upscale-model", "upscale-repeats"], "enlarge what is drawn with lantern upscale"),
    (["sigmas", "timesteps"], "choose levels with --schedule NAME and --steps N"),
    (["save-every", "stepwise-image-output-dir"], "give --preview FILE to see the picture grow"),
    (["fixed-code", "random-seed"], "give --seed N for the same noise; without it is another"),
    (["disable-safety", "safety-checker"], "it has no safety checker: leave it out"),
    (
      [
        "hires-fix", "ip-adapter", "mode", "photo-maker", "ref-image", "skip-layers", "slg-scale",
        "style-ratio", "tiling",
      ], "Lantern has nothing like it yet: leave it out"
    ),
  ]

  private static let known: [String: String] = {
    var table: [String: String] = [:]
    for (ours, theirs) in spellings { for name in theirs { table[name] = ours } }
    return table
  }()

  /// The arguments in our spelling: an option that is known by another name gets its own, and a prompt
  /// its place where the command has no option for it.
  static func respelled(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    let options: [String] = arguments[..<end].flatMap { argument -> [String] in
      guard let (name, value) = split(argument) else { return [argument] }
      if value == nil, let flag = flags["--" + name] { return flag }
      let ours = known[name] ?? "--" + name
      return [value.map { "\(ours)=\($0)" } ?? ours]
    }
    return withPromptLast(options) + Array(arguments[end...])
  }

  /// `story` and `paint` take the prompt as an argument alone.
  private static func withPromptLast(_ arguments: [String]) -> [String] {
    guard ["story", "paint"].contains(arguments.first) else { return arguments }
    var rest = arguments
    if let index = rest.firstIndex(where: { ["-p", "--prompt"].contains($0) }),
      rest.indices.contains(index + 1)
    {
      let prompt = rest.remove(at: index + 1)
      rest.remove(at: index)
      return rest + ["--", prompt]
    }
    guard let index = rest.firstIndex(where: { $0.hasPrefix("--prompt=") }) else { return rest }
    let prompt = rest.remove(at: index).dropFirst("--prompt=".count)
    return rest + ["--", String(prompt)]
  }

  /// What to say of the first option that has no like here.
  static func hint(_ arguments: [String]) -> String? {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    for argument in arguments[..<end] {
      guard let (name, _) = split(argument) else { continue }
      if let found = hints.first(where: { $0.names.contains(name) }) {
        let option = argument.prefix { $0 != "=" }
        return "\(option): \(found.hint)"
      }
    }
    return nil
  }

  /// A long option's name, dashes between its words, and its value where that stands behind "=".
  private static func split(_ argument: String) -> (name: String, value: Substring?)? {
    guard argument.hasPrefix("--"), argument.count > 2 else { return nil }
    let parts = argument.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, !name.contains(where: \.isWhitespace) else { return nil }
    return (String(name).replacing("_", with: "-"), parts.count > 1 ? parts[1] : nil)
  }
}
