import Foundation
import TestSupport
import Testing

/// What is said and has no effect is told or refused, option by option.
@Suite("Options without an effect") struct IdleOptionTests {
  /// A run in which an option has no effect.
  struct Case: Sendable, CustomTestStringConvertible {
    let command: String
    let option: String
    /// Behind the command; words in capitals stand for several.
    let arguments: [String]
    /// What standard error says, or an event.
    let words: [String]

    init(_ command: String, _ option: String, _ arguments: String, _ words: String...) {
      self.init(command, option, arguments, words)
    }

    init(_ command: String, _ option: String, _ arguments: String, _ words: [String]) {
      self.command = command
      self.option = option
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.words = words
    }

    var testDescription: String { "\(command) \(option): \(arguments)" }
  }

  /// The options of a conversation are those of a text.
  static let cases =
    listed
    + listed.filter { $0.command == "write" }.map { row in
      Case(
        "chat", row.option,
        row.arguments.joined(separator: " ").replacing("fox WRITER", with: "TALKER"), row.words)
    }

  private static let listed: [Case] = [
    Case("image", "--prompt", "fox -p cat", "prompt is given twice"),
    Case("image", "--server-token", "fox --server-token x", "give --server too"),
    Case("story", "--server-token", "fox --server-token x", "give --server too"),
    Case("upscale", "--server-token", "a.png b.png UPSCALER --server-token x", "--server too"),
    Case("write", "--server-token", "fox WRITER --server-token x", "give --server too"),
    Case("image", "--prompts", "fox --prompts a.txt", "--prompts replaces the prompt"),
    Case("image", "--prompts", "--prompts a.txt --like a.png", "--like has a prompt"),
    Case("image", "--enrich", "ENRICH", "--enrich has no effect: nothing was added"),
    Case("image", "--variants", "fox --variants", "--variants has no effect"),
    Case("image", "--library", "fox --library x", "--enrich MODEL"),
    Case("image", "--passages", "fox --passages 2", "--library NAME"),
    Case("image", "--library-folder", "fox --library-folder x", "--library NAME"),
    Case("image", "--negative", "fox -n cat -g 1", "the negative prompt without effect"),
    Case("image", "--prompt-2", "fox --prompt-2 cat", "prompt 2 without effect"),
    Case("image", "--negative-2", "fox --negative-2 cat", "negative prompt 2 without effect"),
    Case("image", "--original-size", "fox --original-size 8x8", "not trained on sizes"),
    Case("image", "--crop", "fox --crop 8,8", "crop without effect"),
    Case("image", "--target-size", "fox --target-size 8x8", "target size without effect"),
    Case("image", "--steps", "fox --sampler dpm_adaptive", "their number has no effect"),
    Case("image", "--schedule", "fox --sampler lcm --schedule karras", "karras has no effect"),
    Case(
      "image", "--compat", "fox --sampler lcm --compat kdiffusion", "kdiffusion's conventions"),
    Case("image", "--eta", "fox --sampler euler --eta 0.5", "no fresh noise"),
    Case("image", "--cache", "fox --steps 1 --cache taylor", "nothing to reuse"),
    Case("image", "--refiner-start", "fox --refiner-start 0.5", "no refiner is given"),
    Case("image", "--refiner", "fox --refiner TINY --refiner-start 1", "no step is left"),
    Case("image", "--fast", "fox --fast", "fast"),
    Case(
      "image", "--image-guidance", "fox --image-guidance 2",
      "image guidance has no effect: the model edits no pictures"),
    Case("image", "--guidance-rescale", "fox -g 1 --guidance-rescale 0.5", "guidance rescale"),
    Case(
      "image", "--guidance-interval", "fox -g 1 --guidance-interval 1-2", "the guidance interval"),
    Case(
      "image", "--guidance-interval", "fox --guidance-interval 900-1000", "nothing is guided"),
    Case("image", "--apg", "fox -g 1 --apg", "projected guidance"),
    Case("image", "--apg-momentum", "fox --apg-momentum 0.1", "--apg"),
    Case("image", "--apg-threshold", "fox --apg-threshold 1", "--apg"),
    Case("image", "--dynamic-thresholding", "fox -g 1 --dynamic-thresholding 2", "thresholding"),
    Case(
      "image", "--dynamic-thresholding", "fox -g 4 --dynamic-thresholding 4", "keeps the range"),
    Case(
      "image", "--threshold-percentile", "fox --threshold-percentile 0.5",
      "--dynamic-thresholding"),
    Case("image", "--cfg++", "fox --cfg++ --sampler euler", "ddim"),
    Case("image", "--width", "fox -W 256", "256×64 is far from the 64×64"),
    Case("image", "--height", "fox -H 8", "64×8 is far from the 64×64"),
    Case("image", "--hires", "fox --hires 1x", "hires 1x enlarges nothing"),
    Case("image", "--hires", "fox --hires 1.01x", "hires 1.01x enlarges nothing"),
    Case("image", "--hires", "fox -i a.png --hires 2x", "drawn from words alone"),
    Case("image", "--hires-denoise", "fox --hires-denoise 0.5", "go with --hires 2x"),
    Case("image", "--hires-steps", "fox --hires-steps 2", "go with --hires 2x"),
    Case("image", "--hires-upscaler", "fox --hires-upscaler latent", "go with --hires 2x"),
    Case("image", "--hires-prompt", "fox --hires-prompt cat", "go with --hires 2x"),
    Case("image", "--hires-negative", "fox --hires-negative cat", "go with --hires 2x"),
    Case("image", "--hires-sampler", "fox --hires-sampler ddim", "go with --hires 2x"),
    Case("image", "--hires-schedule", "fox --hires-schedule karras", "go with --hires 2x"),
    Case("image", "--hires-guidance", "fox --hires-guidance 2", "go with --hires 2x"),
    Case("image", "--vae-tiling", "fox --vae-tiling", "VAE tiling has no effect"),
    Case("image", "--strength", "fox --strength 0.5", "--strength needs", "--init FILE"),
    Case("image", "--mask", "fox --mask a.png", "a mask needs a picture"),
    Case("image", "--cache-prompts", "fox --cache-prompts kept", "cache of prompts has no effect"),
    Case("image", "--reference", "fox --reference a.png", "a reference needs a model"),
    Case("image", "--paste", "fox --no-paste", "--no-paste need a mask"),
    Case("image", "--control", "fox CONTROL --control-end 0.1", "first has no effect"),
    Case("image", "--control-strength", "fox --control-strength 2", "--control NETWORK:PICTURE"),
    Case("image", "--control-start", "fox --control-start 0.2", "--control NETWORK:PICTURE"),
    Case("image", "--control-end", "fox CONTROL --control-end 1 --control-end 1", "one for each"),
    Case("image", "--guess-mode", "fox --guess-mode", "--control NETWORK:PICTURE"),
    Case(
      "image", "--image-prompt", "fox BESIDE --image-prompt-scale 0",
      "plain.safetensors has no effect: its scale"),
    Case(
      "image", "--image-prompt-scale", "fox --image-prompt-scale 1",
      "--image-prompt NETWORK:PICTURE"),
    Case(
      "image", "--image-prompt-start", "fox BESIDE --image-prompt-start 0.99",
      "plain.safetensors has no effect: of"),
    Case(
      "image", "--image-prompt-end", "fox --image-prompt-end 0.5", "--image-prompt NETWORK:PICTURE"),
    Case(
      "image", "--image-prompt-mask", "fox --image-prompt-mask a.png",
      "--image-prompt NETWORK:PICTURE"),
    Case("image", "--image-encoder", "fox --image-encoder x", "--image-prompt NETWORK:PICTURE"),
    Case("image", "--variant", "fox --variant fp16", "variant"),
    Case("convert", "--overwrite", "SDXL new --overwrite", "--overwrite has no effect"),
    Case("image", "--threads", "fox -t 64", "64 threads on"),
    Case("image", "--lora", "fox LORA", "strength 0 adds nothing"),
    Case(
      "image", "--embedding", "fox EMBEDDING", "kohya.safetensors has no effect: no prompt says"),
    Case("image", "--embedding-folder", "fox --embedding-folder .", "the folder of embeddings has"),
    Case("image", "--lora-folder", "fox --lora-folder .", "the folder of LoRAs has no effect"),
    Case("image", "--count", "fox -b 2 --trace t", "--trace follows one picture"),
    Case("image", "--like", "--like a.png -b 2", "the first picture alone is compared"),
    Case("image", "--preview", "fox --preview picture.png", "two files of one name"),
    Case(
      "image", "--preview-interval", "fox --preview-interval 2", "--preview-interval needs"),
    Case(
      "image", "--preview-interval", "fox --preview p.png --preview-interval 9",
      "there is no preview"),
    Case(
      "image", "--preview-method", "fox --preview-method decoder", "--preview-method needs"),
    Case("image", "--trace", "fox --prompts a.txt --trace t", "--prompts replaces the prompt"),
    Case("image", "--quiet", "fox -q -v", "--quiet and --verbose"),
    Case("image", "--quiet", "fox -q --json", "--quiet and --json"),
    Case("image", "--animate", "fox --animate a.png -b 2", "follows one picture"),
    Case("image", "--verbose", "fox --json -v", "\"event\":\"detail\""),
    Case("story", "--pages", "fox --pages 1 --begin a --begin b", "at least as many"),
    Case("story", "--begin-image", "fox --begin-image a.png", "--begin-image needs"),
    Case(
      "story", "--temperature", "fox --pages 1 --begin a --temperature 0.5",
      "nothing is left to write"),
    Case("story", "--top-p", "fox --pages 1 --temperature 0 --top-p 0.5", "top-p without effect"),
    Case("story", "--top-k", "fox --pages 1 --temperature 0 --top-k 5", "top-k without effect"),
    Case("story", "--min-p", "fox --pages 1 --temperature 0 --min-p 0.1", "min-p without effect"),
    Case(
      "story", "--repetition-penalty", "fox --pages 1 --begin a --repetition-penalty 2",
      "nothing is left to write"),
    Case(
      "story", "--image-steps", "fox --pages 1 --begin a --begin-image a.png --steps 3",
      "nothing is left to draw"),
    Case("story", "--schedule", "fox --pages 1 --steps 1 --schedule linear", "in one step"),
    Case("story", "--genre", "fox --pages 1 --genre crime", "genre without effect"),
    Case("story", "--age", "fox --pages 1 --age 5", "age without effect"),
    Case("story", "--language", "fox --pages 1 --language zh", "language without effect"),
    Case("story", "--consistency", "fox --pages 1 --consistency none", "consistency without"),
    Case("story", "--library", "fox --library x", "--writer MODEL"),
    Case("story", "--passages", "fox --passages 2", "--library NAME"),
    Case("story", "--library-folder", "fox --library-folder x", "--library NAME"),
    Case("serve", "--quiet", "-q -v", "--quiet and --verbose"),
    Case("story", "--threads", "fox --pages 1 -t 64", "64 threads on"),
    Case("story", "--quiet", "fox -q -v", "--quiet and --verbose"),
    Case("story", "--verbose", "fox --pages 1 --json -v", "\"event\":\"detail\""),
    Case(
      "write", "--prompt-cache", "fox WRITER --prompt-cache p.safetensors",
      "prompt cache without effect"),
    Case("write", "--lookup", "fox WRITER --lookup 4", "lookup without effect"),
    Case("write", "--draft", "fox WRITER --draft QWEN", "draft model without effect"),
    Case("write", "--steps", "fox WRITER --steps 9", "the model writes token by token"),
    Case("write", "--block-length", "fox WRITER --block-length 9", "block length without effect"),
    Case("write", "--remasking", "fox WRITER --remasking random", "remasking without effect"),
    Case("write", "--confidence", "fox WRITER --confidence 0.9", "confidence without effect"),
    Case("write", "--mask-cache", "fox WRITER --mask-cache dual", "mask cache without effect"),
    Case("write", "--guidance", "fox WRITER --guidance 2", "guidance without effect"),
    Case("write", "--lora", "fox WRITER MERGED", "strength 0 adds nothing"),
    Case("write", "--draft-tokens", "fox WRITER --draft-tokens 9", "draft tokens without effect"),
    Case("write", "--length-penalty", "fox WRITER --length-penalty 2", "length penalty without"),
    Case("write", "--seed", "fox WRITER --beams 2 --seed 5", "seed without effect: beam search"),
    Case("write", "--top-p", "fox WRITER --temperature 0 --top-p 0.5", "top-p without effect"),
    Case("write", "--top-k", "fox WRITER --temperature 0 --top-k 5", "top-k without effect"),
    Case("write", "--min-p", "fox WRITER --temperature 0 --min-p 0.1", "min-p without effect"),
    Case("write", "--typical-p", "fox WRITER --temperature 0 --typical-p 0.5", "typical-p without"),
    Case(
      "write", "--xtc-probability", "fox WRITER --temperature 0 --xtc-probability 1",
      "XTC probability without effect: temperature 0"),
    Case(
      "write", "--xtc-threshold", "fox WRITER --xtc-threshold 0.2",
      "XTC threshold without effect: the XTC probability is 0"),
    Case(
      "write", "--mirostat", "fox WRITER --temperature 0 --mirostat 2", "mirostat without effect"),
    Case("write", "--mirostat-ent", "fox WRITER --mirostat-ent 3", "mirostat is not chosen"),
    Case("write", "--mirostat-lr", "fox WRITER --mirostat-lr 0.3", "mirostat is not chosen"),
    Case(
      "write", "--repetition-penalty", "fox WRITER --mirostat 1 --repetition-penalty 2",
      "repetition penalty without effect: mirostat"),
    Case(
      "write", "--frequency-penalty", "fox WRITER --frequency-penalty 1 --repeat-last-n 0",
      "frequency penalty without effect: they count no tokens"),
    Case(
      "write", "--presence-penalty", "fox WRITER --presence-penalty 1 --repeat-last-n 0",
      "presence penalty without effect"),
    Case("write", "--repeat-last-n", "fox WRITER --repeat-last-n 3", "repetition window without"),
    Case(
      "write", "--dry-multiplier", "fox WRITER --dry-multiplier 1 --dry-penalty-last-n 0",
      "DRY multiplier without effect"),
    Case("write", "--dry-base", "fox WRITER --dry-base 2", "the DRY multiplier is 0"),
    Case("write", "--dry-allowed-length", "fox WRITER --dry-allowed-length 3", "DRY multiplier"),
    Case("write", "--dry-penalty-last-n", "fox WRITER --dry-penalty-last-n 9", "DRY multiplier"),
    Case("write", "--dry-sequence-breaker", "fox WRITER --dry-sequence-breaker x", "breakers"),
    Case(
      "write", "--sampler-order", "fox WRITER --sampler-order temperature --top-k 5",
      "top_k without effect: it is not in the sampler order"),
    Case(
      "write", "--log-probabilities", "fox WRITER --log-probabilities 2", "the events of --json"),
    Case("write", "--seed", "fox WRITER --temperature 0 -s 5", "seed without effect"),
    Case("write", "--max-tokens", "fox WRITER -n 1000", "has room for"),
    Case("write", "--threads", "fox WRITER -t 64", "64 threads on"),
    Case("write", "--quiet", "fox WRITER -q -v", "--quiet and --verbose"),
    Case("write", "--verbose", "fox WRITER --json -v", "\"event\":\"detail\""),
    Case("write", "--passages", "fox WRITER --passages 2", "--library NAME"),
    Case("write", "--library-folder", "fox WRITER --library-folder x", "--library NAME"),
    Case("library add", "--query-model", "x a.txt --query-model y", "--model"),
    Case("library add", "--precision", "x a.txt IN --precision fast", "precision without effect"),
    Case("library add", "--threads", "x a.txt IN -t 64", "64 threads on"),
    Case("library add", "--quiet", "x a.txt -q -v", "--quiet and --verbose"),
    Case("library add", "--verbose", "x a.txt -q -v", "--quiet and --verbose"),
    Case("bench language", "--threads", "SPEED -t 64", "64 threads on"),
    Case("bench language", "--own-prompts", "SPEED --own-prompts", "--own-prompts has no effect"),
    Case("bench language", "--quiet", "SPEED -q -v", "--quiet and --verbose"),
    Case("bench language", "--verbose", "SPEED --json -v", "\"event\":\"detail\""),
    Case("paint", "--init", "fox -i a.png", "--init needs"),
    Case("paint", "--mask", "fox --mask a.png", "need a picture"),
    Case("paint", "--extend", "fox --extend left", "need a picture"),
    Case("paint", "--paste", "fox --paste", "need a picture"),
    Case("paint", "--schedule", "fox --steps 1 --schedule linear", "in one step"),
    Case("paint", "--threads", "fox -t 64", "64 threads on"),
    Case("paint", "--quiet", "fox -q -v", "--quiet and --verbose"),
    Case("paint", "--verbose", "fox --json -v", "\"event\":\"detail\""),
    Case("caption", "--threads", "a.png -t 64", "64 threads on"),
    Case("embed", "--compare", "fox VECTORS --compare", "compared with itself"),
    Case("embed", "--threads", "fox VECTORS -t 64", "64 threads on"),
    Case("eval", "--seed", "MMLU -s 5", "seed without effect: no examples"),
    Case("eval", "--parallel", "MMLU --parallel 2", "choices are scored one after another"),
    Case("eval", "--one-turn", "MMLU --chat --one-turn", "no examples stand before"),
    Case("eval", "--threads", "MMLU -t 64", "64 threads on"),
    Case("eval", "--quiet", "MMLU -q -v", "--quiet and --verbose"),
    Case("eval", "--verbose", "MMLU --json -v", "\"event\":\"detail\""),
    Case("inspect", "--context", "a.png --context 9", "--context has no effect"),
    Case("inspect", "--verbose", "a.png -v", "--verbose has no effect on a picture"),
    Case("trace", "--verbose", "a b -v --json", "--verbose and --json"),
    Case("schedule", "--variant", "--variant fp16", "--variant chooses weights"),
    Case("schedule", "--threads", "-t 2", "--threads"),
    Case("schedule", "--steps", "--sampler dpm_adaptive --steps 4", "chooses its own steps"),
    Case("upscale", "--model", "a.png b.png", "--model FILE"),
    Case("upscale", "--tile", "a.png b.png UPSCALER --tile 128", "--tile 128 has no effect"),
    Case("upscale", "--threads", "a.png b.png UPSCALER -t 64", "64 threads on"),
    Case("upscale", "--quiet", "a.png b.png UPSCALER -q -v", "--quiet and --verbose"),
    Case(
      "upscale", "--verbose", "a.png b.png UPSCALER --json -v", "\"event\":\"detail\""),
    Case("sheet", "--columns", "a.png --columns 3", "all are in one row"),
    Case("pull", "--quiet", "OWNER/NAME -q -v", "--quiet and --verbose"),
    Case("sheet", "--gap", "a.png --gap 9", "--gap has no effect"),
    Case("bench kernels", "--threads", "--case KERNEL --runs 1 -t 64", "64 threads on"),
    Case("bench kernels", "--quiet", "-q -v", "--quiet and --verbose"),
    Case(
      "bench kernels", "--verbose", "--case KERNEL --runs 1 --json -v", "\"event\":\"detail\""),
    Case("bench model", "--width", "PART -W 64", "no effect on the text encoder"),
    Case("bench model", "--height", "PART -H 64", "no effect on the text encoder"),
    Case("bench model", "--tiny-decoder", "PART --tiny-decoder x", "no effect on other parts"),
    Case("bench model", "--threads", "PART -t 64", "64 threads on"),
    Case("bench model", "--variant", "PART --variant fp16", "variant"),
    Case("bench model", "--quiet", "-q -v", "--quiet and --verbose"),
    Case("bench model", "--verbose", "PART --json -v", "\"event\":\"detail\""),
    Case("bench precision", "--model", "x -m y", "the model is given twice"),
    Case("bench precision", "--variant", "SMALL --variant fp16", "variant"),
    Case("bench precision", "--threads", "SMALL -t 64", "64 threads on"),
    Case("bench precision", "--prompts", "SMALL --prompts a.txt", "accuracy is not measured"),
    Case("bench precision", "--judge", "SMALL -W 72", "a side of 72 pixels"),
    Case("bench precision", "--width", "SMALL -W 256", "256×64 is far from"),
    Case("bench precision", "--height", "SMALL -H 8", "64×8 is far from"),
    Case("bench precision", "--quiet", "-q -v", "--quiet and --verbose"),
    Case("bench precision", "--verbose", "SMALL --json -v", "\"event\":\"detail\""),
    Case("bench report", "--markdown", "x --markdown --json", "--markdown and --json"),
    Case("bench samplers", "--variant", "FEW --variant fp16", "variant"),
    Case("bench samplers", "--threads", "FEW -t 64", "64 threads on"),
    Case("bench samplers", "--schedules", "FEW --schedules karras", "karras has no effect"),
    Case("bench samplers", "--steps", "FEW --samplers dpm_adaptive", "their number has no effect"),
    Case("bench samplers", "--caches", "FEW --caches taylor", "nothing to reuse"),
    Case("bench samplers", "--compat", "FEW --compat kdiffusion", "kdiffusion's conventions"),
    Case("bench samplers", "--eta", "FEW --eta 0.5", "--eta has no effect on lcm"),
    Case("bench samplers", "--lora", "FEW LORA", "strength 0 adds nothing"),
    Case("bench samplers", "--prompts", "FEW --prompts a.txt", "accuracy is not measured"),
    Case("bench samplers", "--judge", "FEW -W 72", "a side of 72 pixels"),
    Case("bench samplers", "--width", "FEW -W 256", "256×64 is far from"),
    Case("bench samplers", "--height", "FEW -H 8", "64×8 is far from"),
    Case("bench samplers", "--quiet", "-q -v", "--quiet and --verbose"),
    Case("bench samplers", "--verbose", "FEW --json -v", "\"event\":\"detail\""),
  ]

  /// Options that count whatever stands beside them.
  static let always: [String: Set<String>] = [
    "image": [
      "--literal", "--clip-skip", "--sampler", "--seed", "--guidance", "--init", "--model",
      "--precision", "--output", "--overwrite", "--json", "--vae", "--text-encoder",
      "--text-encoder-2", "--text-encoder-3", "--tokenizer", "--prediction",
      "--tiny-decoder", "--share", "--server",
    ],
    "upscale": ["--precision", "--json", "--server"],
    "story": [
      "--output", "--overwrite", "--preview", "--begin", "--guidance", "--seed", "--illustrator",
      "--model", "--precision", "--json", "--writer", "--from", "--epub", "--speak",
      "--server",
    ],
    "paint": [
      "--output", "--overwrite", "--count", "--image-steps", "--guidance", "--seed", "--model",
      "--precision", "--json",
    ],
    "pull": ["--revision", "--variant", "--verbose", "--json"],
    "write": [
      "--model", "--temperature", "--min-tokens", "--logit-bias", "--schema",
      "--regex", "--choices", "--stop", "--trace", "--precision", "--json", "--count", "--beams",
      "--cache-type", "--prompts", "--parallel", "--library", "--server",
    ],
    "chat": [
      "--model", "--system", "--chat-template", "--temperature", "--min-tokens", "--logit-bias",
      "--schema", "--regex", "--choices", "--stop", "--precision", "--json", "--beams",
      "--cache-type", "--library", "--server", "--tools", "--tool-command",
    ],
    "library add": ["--model", "--library-folder", "--json"],
    "library list": ["--library-folder", "--json"], "library remove": ["--library-folder"],
    "library search": ["--top", "--method", "--library-folder", "--json"],
    "caption": ["--ask", "--model", "--precision", "--json"], "inspect": ["--json"],
    "samplers": ["--json"],
    "embed": [
      "--model", "--pooling", "--precision", "--json", "--cache-type", "--prompt", "--pairs",
      "--raw",
    ],
    "eval": [
      "--model", "--data", "--limit", "--log", "--shots", "--chat", "--precision", "--cache-type",
      "--json",
    ],
    "schedule": ["--model", "--sampler", "--schedule", "--compat", "--json", "--prediction"],
    "convert": [
      "--type", "--max-shard-size", "--vae", "--text-encoder", "--text-encoder-2",
      "--text-encoder-3", "--tokenizer",
      "--prediction",
    ],
    "mcp": ["--precision", "--threads", "--memory-limit", "--verbose"],
    "serve": [
      "--models", "--host", "--port", "--token", "--cors", "--memory-limit", "--parallel",
      "--queue", "--precision", "--threads", "--verbose", "--json", "--store", "--keep",
      "--tls-certificate", "--tls-key", "--settings", "--lora-folder", "--upscaler-folder",
      "--control-folder", "--embedding-folder", "--image-prompt-folder",
    ],
    "sheet": ["--output", "--overwrite"], "trace": ["--tolerance", "--json"],
    "bench kernels": ["--case", "--precision", "--runs", "--json"],
    "bench language": [
      "--model", "--prompt-tokens", "--new-tokens", "--runs", "--perplexity", "--precision",
      "--json", "--sequences", "--cache-type",
    ],
    "bench model": [
      "--model", "--precision", "--runs", "--batch", "--part", "--json", "--vae", "--text-encoder",
      "--text-encoder-2", "--text-encoder-3", "--tokenizer", "--prediction",
    ],
    "bench precision": ["--precisions", "--seeds", "--steps", "--json"],
    "bench report": ["--json"],
    "bench samplers": [
      "--model", "--precision", "--samplers", "--seeds", "--guidance", "--output", "--pictures",
      "--against", "--json",
    ],
  ]

  @Test("every option of every command is in the table of those that may be idle, or always counts")
  func isWhole() throws {
    for command in try CommandTable.commands() {
      let options = Set(command.options.map(\.name)).subtracting(["--no-paste", "--no-cfg++"])
      let idle = Set(Self.cases.filter { $0.command == command.name }.map(\.option))
      let all = idle.union(Self.always[command.name] ?? [])
      #expect(options == all, "lantern \(command.name)")
    }
  }

  @Test("an option without an effect is told or refused", arguments: cases)
  func idle(_ row: Case) throws {
    try withTemporaryFolder { root in
      let tiny = fixture("tiny_model")
      let isStory = ["story", "paint", "caption"].contains(row.command)
      if isStory { try TinyStoryteller.write(to: root + "/story") }
      for (name, text) in [("a.txt", "a dragon\n"), ("b.txt", "a fox\n")] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(name)"))
      }
      if row.arguments.contains("a.png") {
        let draw = ["image", "fox", "-m", tiny, "--steps", "1", "-s", "1", "-o", "a.png"]
        #expect(try Program.run(draw, in: root).code == 0)
      }
      let lora = [
        "-m", fixture("tiny_pipeline"), "--lora", fixture("lora/peft.safetensors") + ":0",
      ]
      let short = [
        "IN": ["--library-folder", "libraries"],
        "QWEN": [fixture("gguf_models/qwen2.gguf")],
        "ENRICH": [" ", "--enrich", fixture("gguf_models/qwen2.gguf")],
        "WRITER": ["-m", fixture("gguf_models/qwen2.gguf"), "-n", "2"],
        "TALKER": [
          "-m", fixture("gguf_models/qwen2.gguf"), "--chat-template", "chatml", "-n", "2",
        ],
        "MERGED": [
          "-m", fixture("language_folders/llama"), "--lora",
          fixture("language_adapters/plain") + ":0",
        ],
        "MMLU": [
          "mmlu", "-m", fixture("evaluation/model"), "--data", fixture("evaluation/mmlu"),
        ],
        "VECTORS": ["-m", fixture("gguf_models/qwen2.gguf")],
        "SPEED": [
          "-m", fixture("gguf_models/qwen2.gguf"), "--prompt-tokens", "2", "--new-tokens", "1",
          "--runs", "1",
        ],
        "KERNEL": ["linear 8x8x8"], "PART": ["-m", tiny, "--part", "text encoder", "--runs", "1"],
        "SMALL": [tiny, "--precisions", "exact", "--steps", "1", "--prompts", "b.txt"],
        "FEW": ["-m", tiny, "--samplers", "lcm", "--steps", "1", "--prompts", "b.txt"],
        "EMBEDDING": [
          "-m", fixture("tiny_pipeline"), "--embedding",
          fixture("textual_inversion/kohya.safetensors"),
        ],
        "CONTROL": [
          "-m", fixture("tiny_pipeline"),
          "--control", fixture("tiny_control/first") + ":" + repositoryPath("samples/fox.png"),
        ],
        "BESIDE": [
          "-m", fixture("tiny_pipeline"), "--image-prompt",
          fixture("tiny_ip_adapter/plain.safetensors") + ":" + repositoryPath("samples/fox.png"),
        ], "LORA": lora, "UPSCALER": ["-m", fixture("upscalers/compact_x2.safetensors")],
        "TINY": [tiny], "SDXL": [fixture("single_file/sdxl")],
      ]
      var arguments = row.command.split(separator: " ").map(String.init)
      // The last of several counts.
      if row.command == "image" { arguments += ["--steps", "2", "-m", tiny] }
      if row.command == "schedule" { arguments += ["-m", tiny] }
      if isStory { arguments += ["-m", "story"] }
      for argument in row.arguments { arguments += short[argument] ?? [argument] }
      let run = try Program.run(
        arguments, in: root, input: row.command == "chat" ? "hello\n" : "")
      #expect([0, 64, 65, 66].contains(run.code), "\(run.errors)")
      let hasEvents = arguments.contains("--json") || row.command == "schedule"
      let said = run.errors + (hasEvents ? run.output : "")
      for word in row.words {
        #expect(said.contains(word), "\(arguments): no \"\(word)\" in \(said)")
      }
    }
  }
}
