import LanternPlatform
import Lantern
package import LanternFormats
import LanternLayers
import LanternSamplers
import LanternTensor

/// All that a bench of samplers found, as `results.json` holds it.
package struct BenchResults: Sendable, Equatable {
  package let model: String
  package let settings: SamplerBench.Settings
  /// How the converged pictures were drawn, in words.
  package let converged: String
  /// Instruction set and threads, and the processor's name where it is known.
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
    settings = try BenchSetting.request(of: object["settings"]?.object ?? [:], file: path)
    converged = try config.string("converged", default: SamplerBench.Settings.converged)
    machine = object["machine"]?.object ?? [:]
    var cells: [BenchCell] = []
    for value in object["cells"]?.array ?? [] {
      let found = Config(value.object ?? [:], file: path)
      let sampler = try found.string("sampler")
      // Older files have one guidance for all cells.
      let common = sampler == SamplerBench.Settings.fast ? nil : settings.guidances[0]
      var cell = BenchCell(
        sampler: sampler, schedule: try found.optionalString("schedule"),
        guidance: try found.optionalFloat("guidance")
          ?? (settings.guidances.count == 1 ? common : nil),
        steps: try found.integer("steps"),
        cache: try found.optionalString("cache").map { text throws(FormatError) in
          guard let cache = StepCache(text) else {
            throw .wrongType(key: "cache", expected: StepCache.allowed, file: path)
          }
          return cache
        })
      cell.refusal = try found.optionalString("refusal")
      cell.calls = try found.integer("calls", default: 0)
      cell.seconds = try found.doubles("seconds", default: [])
      cell.distances = try found.doubles("distances", default: [])
      cell.decibels = try found.doubles("decibels", default: [])
      cell.frechet = try found.optionalDouble("frechet")
      cell.right = (value.object?["right"]?.array ?? []).map { $0.integer.map { $0 != 0 } }
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
        "right": .array(cell.right.map { $0.map { .integer($0 ? 1 : 0) } ?? .null }),
      ]
      if let guidance = cell.guidance { values["guidance"] = .number(Double(guidance)) }
      if let schedule = cell.schedule { values["schedule"] = .string(schedule) }
      if let cache = cell.cache { values["cache"] = .string(cache.text) }
      if let frechet = cell.frechet { values["frechet"] = .number(frechet) }
      if let refusal = cell.refusal { values["refusal"] = .string(refusal) }
      return JSON.write(.object(values))
    }
    let text = """
      {"model": \(JSON.quoted(model)),
      "converged": \(JSON.quoted(converged)),
      "machine": \(JSON.write(.object(machine))),
      "settings": \(JSON.write(.object(BenchSetting.recipe(of: settings)))),
      "cells": [
      \(rows.joined(separator: ",\n"))
      ]}

      """
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  /// These with the cells of an older bench in the same folder: of the same settings, or of others of what
  /// makes a cell (sampler, schedule, guidance, steps, cache).
  ///
  /// - Throws: ``FormatError`` that names what else is not the same.
  func joined(to old: BenchResults, at path: String) throws(FormatError) -> BenchResults {
    let others = differences(from: old)
    guard others.isEmpty else {
      throw .unsupportedFileKind(
        path: path,
        remedy:
          "is of a bench with other settings (\(others.joined(separator: ", "))): choose another "
          + "folder, or give the same again to add to it")
    }
    return BenchResults(
      model: model, settings: settings.joined(to: old.settings), converged: converged,
      machine: machine, cells: old.cells)
  }

  /// Puts cells into the order of the settings, whatever order they were measured in.
  mutating func sort() {
    let names = settings.cells.map(\.name)
    let order = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    cells.sort { (order[$0.name] ?? .max, $0.name) < (order[$1.name] ?? .max, $1.name) }
  }

  /// What is not the same in another bench, and may be the reason why figures are not, in words.
  package func differences(from other: BenchResults) -> [String] {
    (model == other.model ? [] : ["model"])
      + Set(machine.keys).union(other.machine.keys).sorted()
      .filter { machine[$0] != other.machine[$0] }.map { $0.replacing("_", with: " ") }
      + settings.differences(from: other.settings)
  }
}
