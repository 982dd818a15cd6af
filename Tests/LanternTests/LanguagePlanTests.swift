import Lantern
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// What memory a language model takes, said before its weights are read.
@Suite struct LanguagePlanTests {
  private static let models =
    ["llama", "qwen2", "qwen3", "llama_biased"].map { "gguf_models/\($0).gguf" }
    + ["llama", "mistral", "qwen3", "gemma3", "phi3", "gpt2", "opt", "qwen2_moe", "glm4"]
    .map { "language_folders/\($0)" } + ["quantized/gptq"]

  @Test("weights, keys and values take the bytes that are planned", arguments: models)
  func bytes(name: String) throws {
    for precision in [Precision.exact, .fast, .int8] {
      let plan = try LanguagePlan(fixture(name), precision: precision)
      let model = try LanguageModel(fixture(name), precision: precision)
      #expect(plan.weightBytes == model.weightBytes && plan.weightBytes > 0, "\(precision)")
      for type in KVCacheType.allCases {
        let cache = try model.network.makeCache(capacity: 50, as: type)
        #expect(cache.byteCount == plan.cacheBytes(50, as: type), "\(type)")
      }
      #expect(plan.totalBytes(50) > plan.weightBytes + plan.cacheBytes(50))
    }
  }

  @Test("of layers with a window keys and values take no more than that window and a rest need")
  func windows() throws {
    try withTemporaryFolder { folder in
      for (name, windowed) in [("mistral", 2), ("gemma3", 1), ("qwen2.gguf", 0)] {
        let path = try longContextModel(name, in: folder)
        let plan = try LanguagePlan(path, precision: .exact)
        let model = try LanguageModel(path, precision: .exact)
        let bytes = plan.cacheBytes(1)
        #expect(try model.makeCache(capacity: 2000).byteCount == plan.cacheBytes(2000), "\(name)")
        let tokens = [1280, 2000].map { plan.cacheBytes($0) / (bytes / plan.sizes.layers) }
        #expect(tokens[1] - tokens[0] == 720 * (plan.sizes.layers - windowed), "\(name) \(tokens)")
      }
    }
  }

  @Test("a model for which there is no memory is refused before its weights are read")
  func refusal() throws {
    let plan = try LanguagePlan(fixture("gguf_models/llama.gguf"), precision: .fast)
    try plan.check(available: plan.totalBytes(64))
    try plan.check(available: nil)
    let error = #expect(throws: RequestError.self) {
      try plan.check(available: plan.totalBytes(64) - 1)
    }
    #expect(error?.errorDescription?.contains("llama.gguf") == true)
  }
}
