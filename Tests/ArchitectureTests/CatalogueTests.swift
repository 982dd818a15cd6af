import Testing

/// Adding a sampler, a model or a tokenizer is a file and a row.
@Suite struct CatalogueTests {
  /// Whether code makes a value of a type; of `FlowEuler` is not of `Euler`.
  private func makes(_ type: String, in code: String) -> Bool {
    code.matches(of: /(\w+)\(/).contains { $0.output.1 == type }
  }

  @Test("every file of Solvers has its row in the catalogue of samplers")
  func samplers() {
    let catalogue = SourceTree.file("Sources/LanternSamplers/Catalogue/SamplerCatalogue.swift").code
    let solvers = SourceTree.files(in: "Sources/LanternSamplers/Solvers", ["swift"])
    #expect(!solvers.isEmpty)
    for file in solvers where !file.name.contains("+") {
      #expect(makes(file.stem, in: catalogue), "\(file) has no row")
      #expect(file.code.contains("struct \(file.stem)"), "\(file) is not called like its type")
    }
  }

  @Test("every model with settings of its own has its row in the catalogue of models")
  func models() {
    let catalogue = SourceTree.file("Sources/LanternModels/ModelCatalogue.swift").code
    let files = SourceTree.files(in: "Sources/LanternModels", ["swift"])
    var models = 0
    for file in files {
      for settings in file.code.matches(of: /package struct (\w+Config)\b/).map(\.output.1) {
        // A row reads a model's settings, or is given those of its language model.
        let row = try? Regex("\\b\(settings)\\b")
        #expect(row.map { catalogue.contains($0) } == true, "\(settings) of \(file) is in no row")
      }
      // What checks that no weights are left over is a whole model.
      guard file.code.contains(/\.finish\((later|ignoring|\))/),
        file.code.contains(/package init\(\s*_ config: \w+Config\b[^)]*Weights/)
      else { continue }
      models += 1
      #expect(makes(file.stem, in: catalogue), "\(file) has no row")
    }
    #expect(models > 5)
  }

  @Test("nothing outside of the models names one: pipelines know protocols")
  func names() throws {
    let models = SourceTree.files(in: "Sources/LanternModels", ["swift"])
      .filter { $0.code.contains(/\.finish\((later|ignoring|\))/) && $0.code.contains("Weights") }
      .map(\.stem).filter { $0 != "Judge" }
    #expect(models.contains("UNet2DConditionModel") && models.contains("Showo"))
    let rooms = ["Lantern", "LanternBench", "LanternCLI", "LanternSamplers", "LanternPictures"]
    for file in rooms.flatMap({ SourceTree.files(in: "Sources/\($0)", ["swift"]) }) {
      for model in models {
        let word = try Regex("\\b\(model)\\b")
        #expect(!file.code.contains(word), "\(file) names \(model)")
      }
    }
  }

  @Test("every step of a text sampler has its row in transformers' order, and in llama.cpp's")
  func samplerSteps() {
    let folder = "Sources/LanternDecoding/Sampling"
    let catalogue = SourceTree.file("\(folder)/SamplerStep.swift").code
    let steps = SourceTree.files(in: folder, ["swift"]).flatMap { file in
      file.code.matches(of: /static let (\w+) = SamplerStep\(/).map { String($0.output.1) }
    }
    #expect(steps.count > 5)
    let rows = catalogue.matches(of: /\.(\w+),/).map { String($0.output.1) }
    for step in steps { #expect(rows.count { $0 == step } == 2, "\(step)") }
  }

  @Test("every benchmark of language models has its row in their catalogue, sorted by name")
  func benchmarks() throws {
    let folder = "Sources/LanternEvaluation/Language"
    let catalogue = SourceTree.file("\(folder)/LanguageTask.swift").code
    let list = try #require(catalogue.firstMatch(of: /static let all = \[([^\]]*)\]/)).output.1
    let rows = list.matches(of: /\w+/).map { String($0.output) }
    let tasks = SourceTree.files(in: folder, ["swift"]).flatMap { file in
      file.code.matches(of: /static let (\w+) = (?:LanguageTask|arc)\(/).map {
        String($0.output.1)
      }
    }
    #expect(tasks.count > 5 && tasks.sorted() == rows)
  }

  @Test("every tokenizer has its row in the catalogue of tokenizers")
  func tokenizers() {
    let catalogue = SourceTree.file("Sources/LanternTokenizers/TokenizerCatalogue.swift").code
    let files = SourceTree.files(in: "Sources/LanternTokenizers", ["swift"])
    let tokenizers = files.filter { $0.stem.hasSuffix("Tokenizer") && $0.stem != "Tokenizer" }
    #expect(!tokenizers.isEmpty)
    for file in tokenizers {
      #expect(makes(file.stem, in: catalogue), "\(file) has no row")
    }
  }

  @Test("every file of Formats is a format with its row in the catalogue of formats")
  func formats() throws {
    let folder = "Sources/LanternTensor/Quantized"
    let catalogue = SourceTree.file("\(folder)/BlockFormat.swift").code
    let list = try #require(catalogue.firstMatch(of: /all: \[BlockFormat\] = \[([^\]]*)\]/))
    let names = list.output.1.matches(of: /\.(\w+)/).map { String($0.output.1) }
    let files = SourceTree.files(in: "\(folder)/Formats", ["swift"])
    #expect(files.count == names.count && Set(names).count == names.count)
    #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    for file in files {
      let name = names.first { $0.lowercased() == file.stem.lowercased() }
      let hasRow = name.map { file.code.contains("let \($0) = BlockFormat(") }
      #expect(hasRow == true, "\(file) has no row")
    }
  }

  @Test("every way to store quantized matrices has its row")
  func quantization() {
    let folder = "Sources/LanternFormats/Quantized"
    let catalogue = SourceTree.file("\(folder)/QuantizationMethod.swift").code
    let files = SourceTree.files(in: "\(folder)/Methods", ["swift"])
    #expect(files.count == catalogue.matches(of: /Row\(\w+\.self\)/).count)
    for file in files { #expect(catalogue.contains("Row(\(file.stem).self)"), "\(file)") }
  }

  @Test("the rows of samplers stand in the order of the alphabet")
  func order() {
    let catalogue = SourceTree.file("Sources/LanternSamplers/Catalogue/SamplerCatalogue.swift").text
    let names = catalogue.matches(of: /name: "([^"]+)"/).map { String($0.output.1) }
    #expect(names.count > 1)
    #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }
}
