import Testing

/// Adding a sampler, a model or a tokenizer is a file and a row.
@Suite struct CatalogueTests {
  @Test("every file of Solvers has its row in the catalogue of samplers")
  func samplers() {
    let catalogue = SourceTree.file("Sources/LanternSamplers/SamplerCatalogue.swift").code
    let solvers = SourceTree.files(in: "Sources/LanternSamplers/Solvers", ["swift"])
    #expect(!solvers.isEmpty)
    for file in solvers where !file.name.contains("+") {
      #expect(catalogue.contains("\(file.stem)("), "\(file) has no row")
      #expect(file.code.contains("struct \(file.stem)"), "\(file) is not called like its type")
    }
  }

  @Test("every model with settings of its own has its row in the catalogue of models")
  func models() {
    let catalogue = SourceTree.file("Sources/LanternModels/ModelCatalogue.swift").code
    let files = SourceTree.files(in: "Sources/LanternModels", ["swift"])
    let models = files.filter { file in
      let code = file.code
      return !file.stem.hasSuffix("Config") && code.contains("struct \(file.stem):")
        && code.contains("Config: Sendable {")
    }
    #expect(!models.isEmpty)
    for file in models {
      #expect(catalogue.contains("\(file.stem)("), "\(file) has no row")
    }
  }

  @Test("every tokenizer has its row in the catalogue of tokenizers")
  func tokenizers() {
    let catalogue = SourceTree.file("Sources/LanternTokenizers/TokenizerCatalogue.swift").code
    let files = SourceTree.files(in: "Sources/LanternTokenizers", ["swift"])
    let tokenizers = files.filter { $0.stem.hasSuffix("Tokenizer") && $0.stem != "Tokenizer" }
    #expect(!tokenizers.isEmpty)
    for file in tokenizers {
      #expect(catalogue.contains("\(file.stem)("), "\(file) has no row")
    }
  }

  @Test("the rows of samplers stand in the order of the alphabet")
  func order() {
    let catalogue = SourceTree.file("Sources/LanternSamplers/SamplerCatalogue.swift").text
    let names = catalogue.matches(of: /name: "([^"]+)"/).map { String($0.output.1) }
    #expect(names.count > 1)
    #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }
}
