package import LanternFormats
package import LanternLayers

/// The registry of models by the class that `model_index.json` names: one row each.
package enum ModelCatalogue {
  /// Text encoders, by the class that the folder names.
  package static let textEncoders:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any TextEncoder] = [
      "CLIPTextModel": { config, weights throws(ModelError) in
        try CLIPTextModel(CLIPTextConfig(config), weights)
      },
      "CLIPTextModelWithProjection": { config, weights throws(ModelError) in
        try CLIPTextModel(CLIPTextConfig(config), weights, isProjected: true)
      },
      "T5EncoderModel": { config, weights throws(ModelError) in
        try T5EncoderModel(T5Config(config), weights)
      },
      "UMT5EncoderModel": { config, weights throws(ModelError) in
        try T5EncoderModel(T5Config(config, hasBiases: true), weights)
      },
    ]

  /// Language models that encode prompts, by the class that the folder names.
  ///
  /// - Parameter layers: whose states are taken.
  /// - Returns: a row for each class.
  package static func layeredTextEncoders(
    taking layers: TextLayers
  ) -> [String: @Sendable (Config, Weights) throws(ModelError) -> any LayeredTextEncoder] {
    [
      "Gemma2ForCausalLM": { config, weights throws(ModelError) in
        try LlamaTextModel(LlamaConfig(config, of: .gemma2), taking: layers, weights)
      },
      "Gemma2Model": { config, weights throws(ModelError) in
        try LlamaTextModel(LlamaConfig(config, of: .gemma2), taking: layers, weights)
      },
      "Qwen3ForCausalLM": { config, weights throws(ModelError) in
        try LlamaTextModel(LlamaConfig(config, of: .qwen3), taking: layers, weights)
      },
      "Qwen3Model": { config, weights throws(ModelError) in
        try LlamaTextModel(LlamaConfig(config, of: .qwen3), taking: layers, weights)
      },
    ]
  }

  /// Encoders whose tokens attend both ways, by the class that their settings name as their architecture.
  package static let encoders: [String: EncoderRow] = [
    "BertForMaskedLM": bert(.bert), "BertForPreTraining": bert(.bert), "BertModel": bert(.bert),
    "CamembertForMaskedLM": bert(.roberta), "CamembertModel": bert(.roberta),
    "DPRContextEncoder": dpr, "DPRQuestionEncoder": dpr,
    "MT5EncoderModel": t5(), "MT5ForConditionalGeneration": t5(),
    "DistilBertForMaskedLM": bert(.distilbert), "DistilBertModel": bert(.distilbert),
    "Gemma3TextModel": { config, weights throws(ModelError) in try GemmaEncoder(config, weights) },
    "MPNetForMaskedLM": bert(.mpnet), "MPNetModel": bert(.mpnet),
    "NomicBertModel": { config, weights throws(ModelError) in
      try NomicBertModel(NomicBertConfig(config), weights)
    },
    "RobertaForMaskedLM": bert(.roberta), "RobertaModel": bert(.roberta),
    "T5EncoderModel": t5(), "T5ForConditionalGeneration": t5(),
    "UMT5EncoderModel": t5(hasBiases: true), "UMT5ForConditionalGeneration": t5(hasBiases: true),
    "XLMRobertaForMaskedLM": bert(.roberta), "XLMRobertaModel": bert(.roberta),
  ]

  package typealias EncoderRow =
    @Sendable (Config, Weights) throws(ModelError) -> any BidirectionalEncoder

  private static func bert(_ architecture: BertConfig.Architecture) -> EncoderRow {
    { config, weights throws(ModelError) in
      try BertModel(BertConfig(config, of: architecture), weights)
    }
  }

  private static func t5(hasBiases: Bool = false) -> EncoderRow {
    { config, weights throws(ModelError) in
      try T5EncoderModel(T5Config(config, hasBiases: hasBiases), weights)
    }
  }

  private static let dpr: EncoderRow = { config, weights throws(ModelError) in
    try DPREncoder(BertConfig(config, of: .bert), weights)
  }

  /// The table of tokens' vectors that a file has; nil where it has none.
  ///
  /// - Throws: ``ModelError``.
  package static func tokenVectors(_ file: SafetensorsFile) throws(ModelError)
    -> (any TokenVectors)?
  {
    StaticVectors.isHere(file) ? try StaticVectors(file) : nil
  }

  /// What comes behind the pooling of a text's states, by its class in `modules.json`.
  package static let vectorModules:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any VectorModule] = [
      "Dense": { config, weights throws(ModelError) in try DenseModule(config, weights) }
    ]

  /// Denoisers, by the class that the folder names.
  package static let denoisers:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any DenoiserNetwork] = [
      "FluxTransformer2DModel": { config, weights throws(ModelError) in
        try FluxTransformer2DModel(FluxTransformer2DConfig(config), weights)
      },
      "Flux2Transformer2DModel": { config, weights throws(ModelError) in
        try Flux2Transformer2DModel(Flux2Transformer2DConfig(config), weights)
      },
      "PixArtTransformer2DModel": { config, weights throws(ModelError) in
        try PixArtTransformer2DModel(PixArtTransformer2DConfig(config), weights)
      },
      "SanaTransformer2DModel": { config, weights throws(ModelError) in
        try SanaTransformer2DModel(SanaTransformer2DConfig(config), weights)
      },
      "SD3Transformer2DModel": { config, weights throws(ModelError) in
        try SD3Transformer2DModel(SD3Transformer2DConfig(config), weights)
      },
      "UNet2DConditionModel": { config, weights throws(ModelError) in
        try UNet2DConditionModel(UNet2DConditionConfig(config), weights)
      },
      "ZImageTransformer2DModel": { config, weights throws(ModelError) in
        try ZImageTransformer2DModel(ZImageTransformer2DConfig(config), weights)
      },
    ]

  /// Networks that make a denoiser follow a picture, by the class that their folder names.
  package static let controlNetworks:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any ControlNetwork] = [
      "ControlNetModel": { config, weights throws(ModelError) in
        try ControlNetModel(ControlNetModelConfig(config), weights)
      },
      "T2IAdapter": { config, weights throws(ModelError) in
        try T2IAdapter(T2IAdapterConfig(config), weights)
      },
    ]

  /// The same in files without settings, each recognised by its tensors.
  package static let controlFiles: [FileRow<any ControlNetwork>] = [
    FileRow(name: "ControlNetModel", renamed: ControlNetModelConfig.renamed) {
      file, weights throws(ModelError) in
      try ControlNetModel(ControlNetModelConfig(file), weights)
    },
    FileRow(name: "T2IAdapter", renamed: T2IAdapterConfig.renamed) {
      file, weights throws(ModelError) in
      try T2IAdapter(T2IAdapterConfig(file), weights)
    },
  ]

  /// Encoders of pictures, by the class that their folder names.
  package static let imageEncoders:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any ImageEncoder] = [
      "CLIPVisionModelWithProjection": { config, weights throws(ModelError) in
        try CLIPVisionModel(CLIPVisionConfig(config), weights)
      },
      "CLIPModel": { config, weights throws(ModelError) in
        try CLIPVisionModel(CLIPVisionConfig(config), weights)
      },
    ]

  /// The same in files without settings, each recognised by its tensors.
  package static let imageEncoderFiles: [FileRow<any ImageEncoder>] = [
    FileRow(name: "CLIPVisionModelWithProjection", renamed: CLIPVisionConfig.renamed) {
      file, weights throws(ModelError) in
      try CLIPVisionModel(CLIPVisionConfig(file), weights)
    }
  ]

  /// Adapters by which a denoiser attends to pictures, each recognised by its tensors.
  package static let ipAdapters: [FileRow<any ImagePromptAdapter>] = [
    FileRow(name: "IPAdapter", renamed: IPAdapterConfig.renamed) {
      file, weights throws(ModelError) in
      try IPAdapter(IPAdapterConfig(file), weights)
    }
  ]

  /// Codecs of latents, by the class that the folder names.
  package static let latentCodecs:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any LatentCodec] =
      tinyCodecs.merging([
        "AutoencoderDC": { config, weights throws(ModelError) in
          try AutoencoderDC(AutoencoderDCConfig(config), weights)
        },
        "AutoencoderKL": { config, weights throws(ModelError) in
          try AutoencoderKL(AutoencoderKLConfig(config), weights)
        },
        "AutoencoderKLFlux2": { config, weights throws(ModelError) in
          try AutoencoderKLFlux2(AutoencoderKLFlux2Config(config), weights)
        },
      ]) { $1 }

  /// Those of them that decode another codec's latents, in a fraction of its time.
  package static let tinyCodecs:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any LatentCodec] = [
      "AutoencoderTiny": { config, weights throws(ModelError) in
        try AutoencoderTiny(AutoencoderTinyConfig(config), weights)
      }
    ]

  /// Decoders of latents in files of their own, each recognised by its tensors.
  package static let tinyDecoders: [FileRow<any LatentCodec>] = [
    FileRow(name: "AutoencoderTiny", renamed: AutoencoderTinyConfig.renamed) {
      file, weights throws(ModelError) in
      try AutoencoderTiny(AutoencoderTinyConfig(decoderOf: file), weights)
    }
  ]

  /// Whether a class is of those that lie in folders of their own.
  package static func reads(_ name: String) -> Bool {
    textEncoders[name] != nil || denoisers[name] != nil || controlNetworks[name] != nil
      || latentCodecs[name] != nil || imageEncoders[name] != nil || languageModels[name] != nil
      || encoders[name] != nil || name == judge
  }

  /// What judges pictures: the `model_type` of its settings, which name no class.
  package static let judge = "judge"

  /// Builds a network of its folder, to find what is wrong there; nothing for a class that no row has.
  ///
  /// - Throws: ``ModelError`` for settings and tensors that are not as they should be.
  package static func check(_ name: String, _ config: Config, _ archive: TensorArchive)
    throws(ModelError)
  {
    let weights = Weights(archive)
    _ = try textEncoders[name]?(config, weights)
    _ = try denoisers[name]?(config, weights)
    _ = try controlNetworks[name]?(config, weights)
    _ = try latentCodecs[name]?(config, weights)
    _ = try imageEncoders[name]?(config, weights)
    _ = try languageModels[name]?(config, weights)
    _ = try encoders[name]?(config, weights)
    if name == judge { _ = try Judge(JudgeConfig(config), weights) }
  }

  /// Codecs of picture tokens, by the class that the folder names.
  package static let tokenCodecs:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any TokenCodec] = [
      "MAGVITv2": { config, weights throws(ModelError) in
        try MAGVITv2(MAGVITv2Config(config), weights)
      },
      "VQModel": { config, weights throws(ModelError) in
        try VQModel(VQModelConfig(config), weights)
      },
    ]

  /// Whether a class is that of a language model.
  package static func isLanguageModel(_ name: String?) -> Bool {
    name.map { languageModels[$0] != nil } ?? false
  }

  /// Whether a class of transformers' stores a weight as `[input, output]` (`Conv1D`).
  package static func isTransposed(_ name: String, in className: String) -> Bool {
    className == "GPT2LMHeadModel"
      && ["c_attn", "c_fc", "c_proj"].contains { name.hasSuffix("\($0).weight") }
  }

  /// Language models, by the class that their settings name as their architecture.
  package static let languageModels:
    [String: @Sendable (Config, Weights) throws(ModelError) -> any CausalLanguageModel] = [
      "ChatGLMForConditionalGeneration": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(chatGLM: config), weights)
      },
      "ChatGLMModel": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(chatGLM: config), weights)
      },
      "Fast_dLLM_QwenForCausalLM": { config, weights throws(ModelError) in
        try MaskedLlamaModel(MaskedLlamaConfig(fastDLLM: config), weights)
      },
      "DreamModel": { config, weights throws(ModelError) in
        try MaskedLlamaModel(MaskedLlamaConfig(dream: config), weights)
      },
      "FalconForCausalLM": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .falcon), weights)
      },
      "GPT2LMHeadModel": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .gpt2), weights)
      },
      "GPTJForCausalLM": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .gptJ), weights)
      },
      "GPTNeoXForCausalLM": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .gptNeoX), weights)
      },
      "Gemma2ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .gemma2), weights)
      },
      "Gemma3ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .gemma3), weights)
      },
      "Glm4ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .glm4), weights)
      },
      "GlmForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .glm), weights)
      },
      "LLaDAModelLM": { config, weights throws(ModelError) in
        try MaskedLlamaModel(MaskedLlamaConfig(llada: config), weights)
      },
      "LlamaForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .llama), weights)
      },
      "MistralForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .mistral), weights)
      },
      "MixtralForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .mixtral), weights)
      },
      "MT5ForConditionalGeneration": { config, weights throws(ModelError) in
        try T5Model(T5Config(config), weights)
      },
      "OPTForCausalLM": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .opt), weights)
      },
      "Phi3ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .phi3), weights)
      },
      "PhiForCausalLM": { config, weights throws(ModelError) in
        try GPTModel(GPTConfig(config, of: .phi), weights)
      },
      "Qwen2ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .qwen2), weights)
      },
      "Qwen2MoeForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .qwen2Moe), weights)
      },
      "Qwen3ForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .qwen3), weights)
      },
      "Qwen3MoeForCausalLM": { config, weights throws(ModelError) in
        try LlamaModel(LlamaConfig(config, of: .qwen3Moe), weights)
      },
      "T5ForConditionalGeneration": { config, weights throws(ModelError) in
        try T5Model(T5Config(config), weights)
      },
      "UMT5ForConditionalGeneration": { config, weights throws(ModelError) in
        try T5Model(T5Config(config, hasBiases: true), weights)
      },
    ]

  /// Networks that enlarge pictures, each recognised by its tensors.
  package static let upscalers: [FileRow<any UpscalerNetwork>] = [
    FileRow(name: "RRDBNet", renamed: RRDBNetConfig.renamed) {
      file, weights throws(ModelError) in
      try RRDBNet(RRDBNetConfig(file), weights)
    },
    FileRow(name: "SRVGGNetCompact", renamed: SRVGGNetCompactConfig.renamed) {
      file, weights throws(ModelError) in
      try SRVGGNetCompact(SRVGGNetCompactConfig(file), weights)
    },
  ]

  /// Judges of pictures, by the type that their folder names.
  package static let judges: [String: @Sendable (Config, Weights) throws(ModelError) -> Judge] = [
    "judge": { config, weights throws(ModelError) in
      try Judge(JudgeConfig(config), weights)
    }
  ]

  /// Transformers of text and pictures, by the class that the folder names.
  package static let unifiedTransformers: [String: UnifiedRow] = [
    "Showo": UnifiedRow(
      languageModel: { config throws(ModelError) in try ShowoConfig(config).llmModelPath },
      make: { config, language, endOfText, weights throws(ModelError) in
        try Showo(
          ShowoConfig(config), GPTConfig(language, of: .phi), endOfText: endOfText, weights)
      })
  ]

  /// The class of folders that name none.
  package static let standardUnifiedTransformer = "Showo"

  /// How a transformer of text and pictures is built: from its own settings and those of the language
  /// model that it was made from, which lie with its tokenizer.
  package struct UnifiedRow: Sendable {
    /// The language model that the transformer's settings name.
    package let languageModel: @Sendable (_ config: Config) throws(ModelError) -> String
    /// Makes it of its settings, its language model's, the tokenizer's id of `<|endoftext|>`, and its
    /// weights.
    package let make:
      @Sendable (_ config: Config, _ language: Config, _ endOfText: Int, _ weights: Weights)
        throws(ModelError) -> any UnifiedTransformer
  }
}
