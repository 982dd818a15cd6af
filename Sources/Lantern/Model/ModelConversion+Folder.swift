import LanternPlatform
import LanternFormats
import LanternModels
import LanternTokenizers

extension ModelConversion {
  /// Writes all parts and the index into a folder.
  func writeFolder(_ folder: String, _ onPart: () throws -> Void) throws {
    var index = source.settings
    index["_class_name"] = .string(source.pipelineClass)
    for name in pipeline.parts {
      try onPart()
      let part = try source.component(name)
      let path = FileSystem.join(folder, name)
      try FileSystem.makeFolder(path)
      if name == "scheduler" {
        try write(part.config("scheduler_config.json").json, path, "scheduler_config.json")
      } else if name.hasPrefix("tokenizer") {
        try writeTokenizer(part, to: path)
      } else {
        try write(part.config("config.json").json, path, "config.json")
        let archive = try archive(name)
        let tensors = try archive.names.filter { !$0.hasSuffix("position_ids") }.map { tensor in
          try PlannedTensor(tensor, as: dtype) { () throws(FormatError) in
            guard let found = try archive.tensor(tensor) else {
              throw .missingTensor(name: tensor, file: archive.file(of: tensor))
            }
            return found
          }
        }
        try SafetensorsFile.write(
          tensors, in: path, stem: Self.stems(name)[0], limit: shardSize,
          countsParameters: name.hasPrefix("text_encoder"))
      }
      let isText = name.hasPrefix("t")
      index[name] = .array([
        .string(isText ? "transformers" : "diffusers"), .string(part.className ?? ""),
      ])
    }
    try write(.object(index), folder, "model_index.json")
  }

  private func write(_ value: JSONValue, _ folder: String, _ name: String) throws(FormatError) {
    try AtomicFile.write(
      Array((JSON.write(value) + "\n").utf8), to: FileSystem.join(folder, name))
  }

  /// The files of a tokenizer; of one that merges imply its vocabulary too.
  private func writeTokenizer(_ part: any ModelComponent, to folder: String) throws {
    let flag = "vocabulary_of_merges"
    for name in ["merges.txt", "vocab.json", "tokenizer.json", "added_tokens.json"]
    where part.has(name) {
      let bytes = try FileSystem.read(FileSystem.join(part.path, name), limit: JSON.sizeLimit)
      try AtomicFile.write(bytes, to: FileSystem.join(folder, name))
    }
    var settings: [String: JSONValue] = ["tokenizer_class": .string(part.className ?? "")]
    for name in ["tokenizer_config.json", "special_tokens_map.json"] where part.has(name) {
      settings.merge(try part.config(name).json.object ?? [:]) { old, _ in old }
    }
    if settings.removeValue(forKey: flag) != nil,
      let tokenizer = try TokenizerCatalogue.load(
        folder: part.path, as: part.className, with: part.settings) as? CLIPTokenizer
    {
      try write(
        .object(
          Dictionary(
            tokenizer.vocabulary.map { ($0.token, .integer(Int($0.id))) },
            uniquingKeysWith: { first, _ in first })), folder, "vocab.json")
      let end = JSONValue.string("<|endoftext|>")
      let special = ["bos_token": .string("<|startoftext|>"), "eos_token": end, "unk_token": end]
      settings.merge(special) { old, _ in old }
    }
    try write(.object(settings), folder, "tokenizer_config.json")
    let special = settings.filter { $0.key.hasSuffix("_token") && $0.key != "add_bos_token" }
    try write(.object(special), folder, "special_tokens_map.json")
  }
}
