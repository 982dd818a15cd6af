import Lantern
import LanternFormats
import LanternModels

extension InspectCommand {
  /// Whether a file of weights is a model, and not a part of one.
  static func isModel(_ file: any TensorFile) -> Bool {
    SingleFile.isModel(file) || TransformerFile.isModel(file)
  }

  /// A model in one file: what it is, its parts and what it lacks, what it predicts and how that is known.
  func inspectSingleFile(_ path: String) throws {
    let model = try ModelParts().singleFile(path)
    let metadata = model.file.metadata
    let variant = model.variant.map { ", \($0)" } ?? ""
    let prediction = (model as? SingleFile)?.prediction
    report(
      "\(path): \(model.kindName)\(variant)", TensorArchive(files: [model.file]),
      [
        "event": .string("model"), "path": .string(path), "class": .string(model.pipelineClass),
        "kind": .string(model.kindName), "variant": model.variant.map(JSONValue.string) ?? .null,
        "missing": .array(model.missing.map(JSONValue.string)),
        "prediction": prediction.map(Self.described) ?? .null,
        "unknown_tensors": .array(model.unknown.map(JSONValue.string)),
        "metadata": .object(metadata.mapValues(JSONValue.string)),
      ], listsTensors: false)
    for name in model.componentNames {
      guard let part = try model.component(name) as? FileComponent, let tensors = part.tensors
      else { continue }
      let title = name.padded(to: 16) + (part.className ?? "?")
      report(
        title, TensorArchive(files: [tensors]),
        [
          "event": .string("part"), "name": .string(name),
          "class": .string(part.className ?? "?"),
        ])
    }
    if !json {
      for name in model.missing {
        let option = name.replacing("_", with: "-")
        Console.print("  \(name.padded(to: 16))is not in it: --\(option) FILE names one")
      }
      if let prediction { Console.print("  predicts \(prediction)") }
    }
    if model.missing.isEmpty, model is SingleFile {
      try tellDrawing(
        ImageGenerator(folder: path), after: prediction.map { "predicts \($0)" })
    } else {
      for note in model.notes { console.note(note) }
    }
    if json { return }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { Self.describe(key, value) }
  }

  private static func described(_ prediction: Prediction) -> JSONValue {
    .object([
      "type": .string(prediction.type),
      "zero_terminal_snr": .bool(prediction.hasZeroTerminalSNR),
      "rule": .string(prediction.rule),
    ])
  }
}
