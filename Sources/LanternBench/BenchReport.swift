import LanternPlatform
import LanternEvaluation
import Lantern
import LanternFormats
import LanternPictures

/// Results as one web page that needs no other file: plots, a contact sheet, a table. There is no script in
/// it: what is chosen in the legend stands out by the style's rules alone.
package struct BenchReport {
  private let results: BenchResults
  private let folder: String

  /// A report of results whose pictures are in a folder.
  package init(_ results: BenchResults, folder: String) {
    self.results = results
    self.folder = folder
  }

  /// The files of a report, in addition to the figures.
  static let names = ["report.html", "results.csv", "pictures.csv", "results.md", "sheet.png"]

  /// Writes `report.html`, `results.csv`, `pictures.csv`, `results.md` and `sheet.png` into the folder.
  ///
  /// - Throws: ``FormatError`` or ``PictureError`` for what cannot be read or written.
  package func write() throws {
    for (name, text) in [
      ("results.csv", results.csv), ("pictures.csv", results.picturesCSV),
      ("results.md", results.markdown),
    ] {
      try AtomicFile.write(Array(text.utf8), to: FileSystem.join(folder, name))
    }
    if let sheet = try sheet() { try sheet.write(to: FileSystem.join(folder, "sheet.png")) }
    try AtomicFile.write(Array(try html().utf8), to: FileSystem.join(folder, "report.html"))
  }

  private var drawn: [BenchCell] { results.cells.filter { $0.refusal == nil } }

  private var labels: [String] { results.labels }

  /// Pixels of a picture's longer side in the report.
  private static let maximum = 192

  /// A cell's first picture, small enough for a sheet of many.
  private func picture(_ cell: BenchCell?) throws -> Picture? {
    guard let cell, cell.refusal == nil else { return nil }
    let path = FileSystem.join(folder, cell.picturePath)
    guard FileSystem.exists(path) else { return nil }
    let picture = try Picture(contentsOf: path)
    let longer = max(picture.width, picture.height)
    guard longer > Self.maximum else { return picture }
    return try picture.resized(
      width: max(1, picture.width * Self.maximum / longer),
      height: max(1, picture.height * Self.maximum / longer))
  }

  /// All first pictures: samplers down, steps across; what cannot be is grey.
  private func sheet() throws -> Picture? {
    guard let first = try drawn.lazy.compactMap({ try picture($0) }).first else { return nil }
    let grey = try Picture(
      width: first.width, height: first.height,
      pixels: [UInt8](repeating: 200, count: first.pixels.count))
    let all = try labels.flatMap { label in
      try results.settings.steps.map { try picture(results.cell(label, $0)) ?? grey }
    }
    return try Picture.sheet(all, columns: results.settings.steps.count, gap: 4)
  }

  /// A length of the difference beyond which nothing is alike any more: latents at a right angle are 1.41
  /// apart.
  private static let mostDistance = 3.0

  private func plot(
    _ title: String, x: (String, (BenchCell) -> Double?), y: (String, (BenchCell) -> Double?),
    share: Bool
  ) -> Plot {
    let series = labels.enumerated().map { index, label in
      let points = drawn.filter { $0.label == label }.compactMap { cell -> Plot.Point? in
        guard let across = x.1(cell), let up = y.1(cell) else { return nil }
        return Plot.Point(
          x: across, y: up,
          title: "\(label), \(cell.steps) steps: \(cell.calls) evaluations, "
            + "\(cell.medianSeconds.map(Plot.short) ?? "–") s, \(y.0) \(Plot.short(up))")
      }
      return Plot.Series(index: index, name: label, points: points.sorted { $0.x < $1.x })
    }
    let points = series.flatMap(\.points)
    return Plot(
      title: title, across: x.0, up: y.0, x: .logarithmic(around: points.map(\.x)),
      y: share ? .linear(0...1) : .logarithmic(around: points.map(\.y), maximum: Self.mostDistance),
      series: series, isMoreBetter: share)
  }

  private func html() throws -> String {
    let evaluations = (
      "evaluations of the model", { (cell: BenchCell) in Double(cell.calls) as Double? }
    )
    let seconds = ("seconds a picture, median", { (cell: BenchCell) in cell.medianSeconds })
    let distance = (
      "distance to the converged latent, median", { (cell: BenchCell) in cell.medianDistance }
    )
    let accuracy = ("share of pictures that are right", { (cell: BenchCell) in cell.accuracy })
    var plots = [
      plot("Nearness against evaluations", x: evaluations, y: distance, share: false),
      plot("Nearness against seconds", x: seconds, y: distance, share: false),
    ]
    if drawn.contains(where: { $0.accuracy != nil }) {
      plots.append(plot("Accuracy against evaluations", x: evaluations, y: accuracy, share: true))
      plots.append(plot("Accuracy against seconds", x: seconds, y: accuracy, share: true))
    }
    let settings = results.settings
    let pictures = settings.prompts.count * settings.seeds.count
    let runs = "\(pictures) picture\(pictures == 1 ? "" : "s") a cell"
    let machine = results.machine.sorted { $0.key < $1.key }.map { key, value in
      "\(key.replacing("_", with: " ")): \(value.string ?? value.integer.map(String.init) ?? "")"
    }
    let body = """
      <h1>Samplers against steps</h1>
      <p>Model \(Self.quoted(results.model)); \(runs); converged means \(Self.quoted(results.converged)) from the same noise. \(Self.quoted(machine.joined(separator: "; "))).</p>
      <p>Rings mark what nothing else beats at that cost. Samplers that draw fresh noise do not converge to
      the same picture; for them accuracy is what counts. Distances of more than \(Plot.short(Self.mostDistance)) lie on the
      edge. Fréchet distances of judges' features to those of rendered scenes
      fall with the number of pictures too: compare them down a column only.</p>
      <p class="how">Choose one or several, and the others step back:</p>
      <form class="legend">\(labels.indices.map(legendEntry).joined()) <button type="reset">all</button></form>
      <div class="plots">
      \(plots.map { "<figure>\($0.svg)</figure>" }.joined(separator: "\n"))
      </div>
      <h2>The same seed, steps across</h2>
      <p>“\(Self.quoted(settings.prompts.first ?? ""))”, seed \(settings.seeds.first ?? 0)</p>
      <div class="wide"><table>
      <tr><th></th>\(settings.steps.map { "<th>\($0)</th>" }.joined())</tr>
      \(try labels.indices.map(pictureRow).joined(separator: "\n"))
      </table></div>
      <h2>Numbers</h2>
      <p>Seconds and distances are medians of \(runs), with the least and most of the seconds; behind distances,
      decibels and accuracy stand 95 % intervals: of the median by ranks (of six pictures at least), of the
      mean by Student's t, of the share by Wilson's. Every picture by itself is in pictures.csv.</p>
      <div class="wide"><table>
      <tr><th>sampler</th><th>steps</th><th>evaluations</th><th>median seconds</th>\
      <th>median distance</th><th>mean PSNR, dB</th><th>accuracy</th>\
      <th>Fréchet</th></tr>
      \(results.cells.map(numberRow).joined(separator: "\n"))
      </table></div>
      """
    return HTMLText.page(
      title: "Samplers against steps", style: Self.style + "\n" + seriesStyle, body: body)
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #0002; --faint: #999; }
    @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --line: #fff3; } }
    body { margin: 0 auto; padding: 1rem; max-width: 100rem; color: var(--ink);
      background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
    p { max-width: 60rem; } .how { margin-bottom: 0; }
    .plots { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(34rem, 100%), 1fr)); }
    figure { margin: 0; } svg { width: 100%; height: auto; max-width: 52rem; } svg text { fill: var(--ink); stroke: none; font-size: 15px; }
    svg .name { font-size: 14px; } svg .head { font-size: 18px; font-weight: 600; } .grid { stroke: var(--line); }
    .front { fill: none; stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 3 2; }
    .series { transition: opacity .15s; } .line, .near, .lead { fill: none; } .near { stroke: transparent; stroke-width: 12; }
    .line { stroke-width: 1.8; } .lead { opacity: .35; } .mark { stroke: none; }
    .legend { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: .4rem 0;
      max-height: 30vh; overflow: auto; background: var(--paper); z-index: 1; }
    .legend label { white-space: nowrap; cursor: pointer; } .legend input { margin: 0 .2em 0 0; }
    .legend svg { width: 1em; height: 1em; vertical-align: -.1em; }
    .wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
    th, td { padding: .15rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
    td small { color: var(--faint); } td img { display: block; width: 96px; image-rendering: auto; } .no { color: var(--faint); font-size: 12px; }
    @media (max-width: 600px) { .legend { flex-wrap: nowrap; } td img { width: 64px; } }
    body:has(.legend :checked) .series { opacity: .07; }
    svg:has(.series:hover) .series { opacity: .15; }
    """

  /// How each line looks, and what brings it forward: that it is chosen, or that its name is pointed at.
  private var seriesStyle: String {
    labels.indices.map { index in
      let look = SeriesLook(index)
      let name = look.name
      return """
        .\(name) { fill: \(look.colour); stroke: \(look.colour); }
        body:has(.legend .\(name):hover) svg .series:not(.\(name)) { opacity: .15; }
        body:has(#\(name):checked) svg .\(name), body:has(.legend) svg .\(name):hover { opacity: 1; }
        body:has(#\(name):checked) tr.\(name) { background: color-mix(in srgb, \(look.colour) 18%, transparent); }
        """
    }.joined(separator: "\n")
  }

  private func legendEntry(_ index: Int) -> String {
    let look = SeriesLook(index)
    return "<label class=\"\(look.name)\"><input type=\"checkbox\" id=\"\(look.name)\">"
      + "<svg viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><path d=\"\(look.mark)\" class=\"mark\"/></svg> "
      + "\(Self.quoted(labels[index]))</label>"
  }

  private func pictureRow(_ index: Int) throws -> String {
    let label = labels[index]
    let fields = try results.settings.steps.map { steps -> String in
      let cell = results.cell(label, steps)
      guard let picture = try picture(cell) else {
        return "<td class=\"no\" title=\"\(Self.quoted(cell?.refusal ?? "not measured"))\">–</td>"
      }
      let data = Base64.encode(try picture.jpeg(quality: 88, [:]))
      return "<td><img src=\"data:image/jpeg;base64,\(data)\" alt=\"\(Self.quoted(label)), "
        + "\(steps) steps\"></td>"
    }
    return "<tr class=\"row \(SeriesLook(index).name)\"><td>\(Self.quoted(label))</td>"
      + "\(fields.joined())</tr>"
  }

  private func numberRow(_ cell: BenchCell) -> String {
    let index = labels.firstIndex(of: cell.label) ?? 0
    let head =
      "<tr class=\"row \(SeriesLook(index).name)\"><td>\(Self.quoted(cell.label))</td>"
      + "<td>\(cell.steps)</td>"
    if let refusal = cell.refusal {
      return head + "<td colspan=\"6\" class=\"no\">\(Self.quoted(refusal))</td></tr>"
    }
    func field(_ value: Double?, _ interval: ClosedRange<Double>? = nil) -> String {
      let ends = interval.map {
        " <small>\(Plot.short($0.lowerBound))–\(Plot.short($0.upperBound))</small>"
      }
      return "<td>\(value.map(Plot.short) ?? "")\(ends ?? "")</td>"
    }
    let spread = cell.seconds.min().flatMap { minimum in cell.seconds.max().map { minimum...$0 } }
    return head + "<td>\(cell.calls)</td>" + field(cell.medianSeconds, spread)
      + field(cell.medianDistance, Statistics.medianInterval(cell.distances))
      + field(cell.meanDecibels, Statistics.meanInterval(cell.decibels))
      + field(cell.accuracy, cell.accuracyInterval) + field(cell.frechet) + "</tr>"
  }

  private static func quoted(_ text: String) -> String { HTMLText.quoted(text) }
}
