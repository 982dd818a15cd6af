import LanternEvaluation
import LanternLayers

/// Results as tables: for spreadsheets, a row a cell or a row a picture, and for documents.
extension BenchResults {
  /// A row for each cell. What was not measured is empty.
  package var csv: String {
    let head = [
      "sampler", "schedule", "guidance", "steps", "pictures", "calls", "median_seconds",
      "least_seconds", "most_seconds", "median_distance", "distance_low", "distance_high",
      "mean_decibels", "decibels_low", "decibels_high", "accuracy", "accuracy_low",
      "accuracy_high", "frechet", "refusal", "cache",
    ]
    let rows = cells.map { cell in
      let isDrawn = cell.refusal == nil
      return Self.axes(of: cell)
        + [isDrawn ? "\(cell.seconds.count)" : "", isDrawn ? "\(cell.calls)" : ""]
        + Self.fields(
          [cell.medianSeconds, cell.seconds.min(), cell.seconds.max(), cell.medianDistance])
        + Self.ends(Statistics.medianInterval(cell.distances))
        + Self.fields([cell.meanDecibels]) + Self.ends(Statistics.meanInterval(cell.decibels))
        + Self.fields([cell.accuracy]) + Self.ends(cell.accuracyInterval)
        + Self.fields([cell.frechet]) + [cell.refusal ?? "", cell.cache?.text ?? ""]
    }
    return Self.lines([head] + rows)
  }

  /// A row for each picture, with its prompt and its seed.
  package var picturesCSV: String {
    let head = [
      "sampler", "schedule", "guidance", "steps", "prompt", "seed", "calls", "seconds",
      "distance", "decibels", "right", "cache",
    ]
    let runs = settings.prompts.flatMap { prompt in settings.seeds.map { (prompt, "\($0)") } }
    let rows = cells.filter { $0.refusal == nil }.flatMap { cell in
      // Older files leave out some answers: which pictures the others belong to is unknown then.
      let right = cell.right.count == runs.count ? cell.right : []
      return runs.enumerated().map { index, run -> [String] in
        func value(_ values: [Double]) -> Double? {
          values.indices.contains(index) ? values[index] : nil
        }
        let numbers = [value(cell.seconds), value(cell.distances), value(cell.decibels)]
        let answer = right.isEmpty ? nil : right[index].map { $0 ? "1" : "0" }
        return Self.axes(of: cell) + [run.0, run.1, "\(cell.calls)"] + Self.fields(numbers)
          + [answer ?? "", cell.cache?.text ?? ""]
      }
    }
    return Self.lines([head] + rows)
  }

  private static func axes(of cell: BenchCell) -> [String] {
    [
      cell.sampler, cell.schedule ?? "", cell.guidance.map { "\($0)" } ?? "", "\(cell.steps)",
    ]
  }

  private static func fields(_ values: [Double?]) -> [String] {
    values.map { $0.map { "\($0)" } ?? "" }
  }

  private static func ends(_ interval: ClosedRange<Double>?) -> [String] {
    fields([interval?.lowerBound, interval?.upperBound])
  }

  /// Fields with commas between them, quoted where they must be (RFC 4180): scalar by scalar, since a quote
  /// with an accent is another character.
  private static func lines(_ rows: [[String]]) -> String {
    rows.map { row in row.map(quoted).joined(separator: ",") }.joined(separator: "\n") + "\n"
  }

  private static func quoted(_ field: String) -> String {
    let special = Set(",\"\n\r".unicodeScalars)
    guard field.unicodeScalars.contains(where: special.contains) else { return field }
    var text = String.UnicodeScalarView("\"".unicodeScalars)
    for scalar in field.unicodeScalars {
      text.append(scalar)
      if scalar == "\"" { text.append(scalar) }
    }
    return String(text) + "\""
  }

  /// The labels of all cells, each once.
  package var labels: [String] {
    cells.reduce(into: []) { all, cell in if !all.contains(cell.label) { all.append(cell.label) } }
  }

  /// The cell of a label and a number of steps; nil where there is none.
  package func cell(_ label: String, _ steps: Int) -> BenchCell? {
    cells.first { $0.label == label && $0.steps == steps }
  }

  /// Of how many steps on a label's pictures are right: all but one in eight at least, with every number of
  /// steps from there on that was measured; nil where they never are.
  package func stepsWanted(_ label: String) -> Int? {
    let drawn = cells.filter { $0.label == label && $0.accuracy != nil }
      .sorted { $0.steps < $1.steps }
    let last = drawn.lastIndex { ($0.accuracy ?? 0) < 0.875 }
    return drawn[((last ?? -1) + 1)...].first?.steps
  }

  /// What is nearest to the converged picture with so many evaluations at most, and its cell. Pictures of
  /// other guidances are measured by other converged pictures.
  package func nearest(within calls: Int, guidance: Float? = nil) -> BenchCell? {
    cells.filter { $0.refusal == nil && $0.calls <= calls }
      .filter { $0.guidance == guidance || $0.sampler == SamplerBench.Settings.fast }
      .min { ($0.medianDistance ?? .infinity) < ($1.medianDistance ?? .infinity) }
  }

  /// For documents, in Markdown: how many pictures of a cell are right, and its median distance; then what is
  /// nearest at which cost.
  package var markdown: String {
    let steps = Array(Set(cells.map(\.steps))).sorted()
    let pictures = settings.prompts.count * settings.seeds.count
    let isJudged = cells.contains { $0.accuracy != nil }
    var lines = [
      "| right of \(pictures), median distance | from |"
        + steps.map { " \($0) |" }.joined(),
      "|---|---|" + steps.map { _ in "---|" }.joined(),
    ]
    if !isJudged { lines[0] = lines[0].replacing("right of \(pictures), ", with: "") }
    for label in labels {
      let fields = steps.map { steps -> String in
        guard let cell = cell(label, steps), cell.refusal == nil else { return " – |" }
        let right = cell.accuracy == nil ? "" : "\(cell.judged.right), "
        return " \(right)\(cell.medianDistance.map(Plot.short) ?? "–") |"
      }
      let from = stepsWanted(label).map { "\($0)" } ?? "–"
      lines.append("| `\(label)` | \(from) |" + fields.joined())
    }
    for guidance in settings.guidances {
      lines += ["", "| evaluations at most | nearest | distance | seconds |", "|---|---|---|---|"]
      for calls in steps {
        guard let cell = nearest(within: calls, guidance: guidance),
          let distance = cell.medianDistance
        else { continue }
        lines.append(
          "| \(calls) | `\(cell.label)`, \(cell.steps) step\(cell.steps == 1 ? "" : "s") | "
            + "\(Plot.short(distance)) | \(cell.medianSeconds.map(Plot.short) ?? "–") |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
