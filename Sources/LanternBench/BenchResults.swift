package import LanternFormats
import LanternTensor

/// A sampler with a schedule and a number of steps, and what was measured of it.
package struct BenchCell: Sendable, Equatable {
  package let sampler: String
  /// The schedule's name; nil for the model's own.
  package let schedule: String?
  package let steps: Int
  /// How often the model was asked for a picture.
  package var calls = 0
  /// Of each picture, from the prompt to the pixels.
  package var seconds: [Double] = []
  /// Of each picture's latent to the converged one, against its length.
  package var distances: [Double] = []
  /// Of each picture to the converged one, PSNR in decibels.
  package var decibels: [Double] = []
  /// Of each picture that a judge could be asked about, whether it shows what its prompt says.
  package var right: [Bool] = []
  /// Fréchet distance of the judge's features of all pictures to those of rendered scenes; it falls
  /// with the number of pictures too.
  package var frechet: Double?
  /// Why it cannot be, if it cannot.
  package var refusal: String?

  init(sampler: String, schedule: String?, steps: Int) {
    self.sampler = sampler
    self.schedule = schedule
    self.steps = steps
  }

  /// The steps and the sampler, in words.
  var words: String { "\(steps) steps of \(label)" }
  /// The sampler and the schedule.
  package var label: String { sampler + (schedule.map { " \($0)" } ?? "") }
  /// What tells it from others: `euler-karras-8`.
  package var name: String { "\(sampler)\(schedule.map { "-\($0)" } ?? "")-\(steps)" }
  /// Its first picture, from the bench's folder.
  package var picturePath: String { "pictures/\(name).png" }
  /// The middle of the seconds.
  package var medianSeconds: Double { Self.median(seconds) }
  /// The middle of the distances.
  package var medianDistance: Double { Self.median(distances) }
  /// The mean of the decibels.
  package var meanDecibels: Double { decibels.reduce(0, +) / Double(max(decibels.count, 1)) }
  /// Share of pictures that show what their prompts say; nil where no judge was asked.
  package var accuracy: Double? {
    right.isEmpty ? nil : Double(right.count { $0 }) / Double(right.count)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}

/// All that a bench of samplers found, as `results.json` and `results.csv` hold it.
package struct BenchResults: Sendable, Equatable {
  package let model: String
  package let settings: SamplerBench.Settings
  /// How the converged pictures were drawn, in words.
  package let converged: String
  /// Instruction set and threads, and the processor's name where it can be had.
  package let machine: [String: JSONValue]
  package var cells: [BenchCell]

  /// Where results are in a bench's folder.
  static func path(in folder: String) -> String { FileSystem.join(folder, "results.json") }

  static var thisMachine: [String: JSONValue] {
    [
      "instruction_set": .string(ComputeEngine.instructionSet),
      "threads": .integer(ComputeEngine.threadCount), "processor": .string(processor ?? "unknown"),
    ]
  }

  /// The name that Linux gives the first processor.
  private static var processor: String? {
    guard let bytes = try? FileSystem.read("/proc/cpuinfo", limit: 1 << 20) else { return nil }
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { String($0.drop { $0 == " " }) }
  }

  init(
    model: String, settings: SamplerBench.Settings, converged: String,
    machine: [String: JSONValue], cells: [BenchCell]
  ) {
    self.model = model
    self.converged = converged
    self.settings = settings
    self.machine = machine
    self.cells = cells
  }

  /// Reads `results.json`.
  ///
  /// - Throws: ``FormatError`` when it cannot be read or is no such file.
  package init(contentsOf path: String) throws(FormatError) {
    guard let object = try JSON.read(path).object else {
      throw .unsupportedFileKind(path: path, remedy: "is no results.json of a bench")
    }
    let config = Config(object, file: path)
    model = try config.string("model")
    let wanted = Config(object["settings"]?.object ?? [:], file: path)
    var settings = SamplerBench.Settings(
      samplers: try wanted.strings("samplers"),
      schedules: try wanted.strings("schedules").map { $0.isEmpty ? nil : $0 },
      steps: try wanted.integers("steps"), prompts: try wanted.strings("prompts"),
      seeds: try wanted.strings("seeds").compactMap { UInt64($0) },
      guidance: try wanted.optionalFloat("guidance"), judge: try wanted.optionalString("judge"))
    settings.loras = try wanted.strings("loras", default: [])
    settings.precision =
      Precision(rawValue: try wanted.string("precision", default: "")) ?? .exact
    self.settings = settings
    converged = try config.string("converged", default: SamplerBench.Settings.converged)
    machine = object["machine"]?.object ?? [:]
    var cells: [BenchCell] = []
    for value in object["cells"]?.array ?? [] {
      let found = Config(value.object ?? [:], file: path)
      var cell = BenchCell(
        sampler: try found.string("sampler"), schedule: try found.optionalString("schedule"),
        steps: try found.integer("steps"))
      cell.refusal = try found.optionalString("refusal")
      cell.calls = try found.integer("calls", default: 0)
      cell.seconds = try found.doubles("seconds", default: [])
      cell.distances = try found.doubles("distances", default: [])
      cell.decibels = try found.doubles("decibels", default: [])
      cell.frechet = try found.optionalDouble("frechet")
      cell.right = try found.integers("right", default: []).map { $0 != 0 }
      cells.append(cell)
    }
    self.cells = cells
  }

  /// Writes `results.json`, whole or not at all.
  func write(to path: String) throws(FormatError) {
    let rows = cells.map { cell in
      var values: [String: JSONValue] = [
        "sampler": .string(cell.sampler), "steps": .integer(cell.steps),
        "calls": .integer(cell.calls), "seconds": .array(cell.seconds.map(JSONValue.number)),
        "distances": .array(cell.distances.map(JSONValue.number)),
        "decibels": .array(cell.decibels.map(JSONValue.number)),
        "right": .array(cell.right.map { .integer($0 ? 1 : 0) }),
      ]
      if let schedule = cell.schedule { values["schedule"] = .string(schedule) }
      if let frechet = cell.frechet { values["frechet"] = .number(frechet) }
      if let refusal = cell.refusal { values["refusal"] = .string(refusal) }
      return JSON.write(.object(values))
    }
    var wanted: [String: JSONValue] = [
      "samplers": .array(settings.samplers.map(JSONValue.string)),
      "schedules": .array(settings.schedules.map { .string($0 ?? "") }),
      "steps": .array(settings.steps.map { .integer($0) }),
      "prompts": .array(settings.prompts.map(JSONValue.string)),
      "seeds": .array(settings.seeds.map { .string(String($0)) }),
    ]
    if let guidance = settings.guidance { wanted["guidance"] = .number(Double(guidance)) }
    if let judge = settings.judge { wanted["judge"] = .string(judge) }
    if settings.precision != .exact {
      wanted["precision"] = .string(settings.precision.rawValue)
    }
    if !settings.loras.isEmpty { wanted["loras"] = .array(settings.loras.map(JSONValue.string)) }
    let text = """
      {"model": \(JSON.quoted(model)),
      "converged": \(JSON.quoted(converged)),
      "machine": \(JSON.write(.object(machine))),
      "settings": \(JSON.write(.object(wanted))),
      "cells": [
      \(rows.joined(separator: ",\n"))
      ]}

      """
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  /// A row for each cell, for spreadsheets.
  package var csv: String {
    let head =
      "sampler,schedule,steps,calls,seconds,least_seconds,most_seconds,distance,decibels,accuracy,frechet,refusal"
    let rows = cells.map { cell in
      [
        cell.sampler, cell.schedule ?? "", "\(cell.steps)", "\(cell.calls)",
        "\(cell.medianSeconds)", "\(cell.seconds.min() ?? 0)", "\(cell.seconds.max() ?? 0)",
        "\(cell.medianDistance)", "\(cell.meanDecibels)", cell.accuracy.map { "\($0)" } ?? "",
        cell.frechet.map { "\($0)" } ?? "",
        cell.refusal.map { "\"\($0.replacing("\"", with: "\"\""))\"" } ?? "",
      ].joined(separator: ",")
    }
    return ([head] + rows).joined(separator: "\n") + "\n"
  }
}
