import Lantern
import LanternFormats
import LanternPictures

/// Results as one web page that needs no other file: plots, a contact sheet, a table.
package struct BenchReport {
  private let results: BenchResults
  private let folder: String

  /// A report of results whose pictures are in a folder.
  package init(_ results: BenchResults, folder: String) {
    self.results = results
    self.folder = folder
  }

  /// Writes `report.html`, `results.csv` and `sheet.png` into the folder.
  ///
  /// - Throws: ``FormatError`` or ``PictureError`` for what cannot be read or written.
  package func write() throws {
    try AtomicFile.write(Array(results.csv.utf8), to: FileSystem.join(folder, "results.csv"))
    if let sheet = try sheet() { try sheet.write(to: FileSystem.join(folder, "sheet.png")) }
    try AtomicFile.write(Array(try html().utf8), to: FileSystem.join(folder, "report.html"))
  }

  private var drawn: [BenchCell] { results.cells.filter { $0.refusal == nil } }

  private var labels: [String] {
    results.cells.reduce(into: []) { all, cell in
      if !all.contains(cell.label) { all.append(cell.label) }
    }
  }

  private func cell(_ label: String, _ steps: Int) -> BenchCell? {
    results.cells.first { $0.label == label && $0.steps == steps }
  }

  /// Pixels of a picture's longer side in the report.
  private static let most = 192

  /// A cell's first picture, small enough for a sheet of many.
  private func picture(_ cell: BenchCell?) throws -> Picture? {
    guard let cell, cell.refusal == nil else { return nil }
    let picture = try Picture(contentsOf: FileSystem.join(folder, cell.picturePath))
    let longer = max(picture.width, picture.height)
    guard longer > Self.most else { return picture }
    return try picture.resized(
      width: max(1, picture.width * Self.most / longer),
      height: max(1, picture.height * Self.most / longer))
  }

  /// All first pictures: samplers down, steps across; what cannot be is grey.
  private func sheet() throws -> Picture? {
    guard let first = try drawn.lazy.compactMap({ try picture($0) }).first else { return nil }
    let grey = try Picture(
      width: first.width, height: first.height,
      pixels: [UInt8](repeating: 200, count: first.pixels.count))
    let all = try labels.flatMap { label in
      try results.settings.steps.map { try picture(cell(label, $0)) ?? grey }
    }
    return try Picture.sheet(all, columns: results.settings.steps.count, gap: 4)
  }

  private func plot(
    _ title: String, x: (String, (BenchCell) -> Double), y: (String, (BenchCell) -> Double?),
    share: Bool
  ) -> Plot {
    let series = labels.map { label in
      let cells = drawn.filter { $0.label == label && y.1($0) != nil }.sorted { x.1($0) < x.1($1) }
      return Plot.Series(
        name: label,
        points: cells.map { cell in
          let value = y.1(cell) ?? 0
          return Plot.Point(
            x: x.1(cell), y: value,
            title: "\(label), \(cell.steps) steps: \(cell.calls) evaluations, "
              + "\(Plot.short(cell.medianSeconds)) s, \(y.0) \(Plot.short(value))")
        })
    }
    let points = series.flatMap(\.points)
    return Plot(
      title: title, across: x.0, up: y.0,
      x: .logarithmic(around: points.map(\.x), base: 2),
      y: share ? .linear(0...1) : .logarithmic(around: points.map(\.y), base: 10),
      series: series, isMoreBetter: share)
  }

  private func html() throws -> String {
    let evaluations = ("evaluations of the model", { (cell: BenchCell) in Double(cell.calls) })
    let seconds = ("seconds a picture", { (cell: BenchCell) in cell.medianSeconds })
    let distance = (
      "distance to the converged latent", { (cell: BenchCell) in cell.medianDistance as Double? }
    )
    let accuracy = ("pictures that show what was asked for", { (cell: BenchCell) in cell.accuracy })
    var plots = [
      plot("Nearness against evaluations", x: evaluations, y: distance, share: false),
      plot("Nearness against seconds", x: seconds, y: distance, share: false),
    ]
    if drawn.contains(where: { $0.accuracy != nil }) {
      plots.append(plot("Accuracy against evaluations", x: evaluations, y: accuracy, share: true))
      plots.append(plot("Accuracy against seconds", x: seconds, y: accuracy, share: true))
    }
    let legend = labels.enumerated().map { index, label in
      "<span><i style=\"background:\(Plot.colour(index))\"></i>\(Self.quoted(label))</span>"
    }
    let settings = results.settings
    let pictures = settings.prompts.count * settings.seeds.count
    let runs = "\(pictures) picture\(pictures == 1 ? "" : "s") a cell"
    let machine = results.machine.sorted { $0.key < $1.key }.map { key, value in
      "\(key.replacing("_", with: " ")): \(value.string ?? value.integer.map(String.init) ?? "")"
    }
    let style = """
      :root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #0002; }
      @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --line: #fff2; } }
      body { margin: 0 auto; padding: 1.5rem; max-width: 100rem; color: var(--ink);
        background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
      .plots { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(40rem, 100%), 1fr)); }
      figure { margin: 0; } svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }
      svg .head { font-size: 16px; font-weight: 600; } .grid { stroke: var(--line); }
      .front { fill: none; stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 3 2; }
      .legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 1rem 0; }
      .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em; }
      .wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
      th, td { padding: .15rem .5rem; text-align: right; border-bottom: 1px solid var(--line); }
      th:first-child, td:first-child { text-align: left; white-space: nowrap; }
      td img { display: block; width: 96px; image-rendering: auto; } .no { color: #999; font-size: 12px; }
      """
    let body = """
      <h1>Samplers against steps</h1>
      <p>Model \(Self.quoted(results.model)); \(runs); converged means \(Self.quoted(results.converged)) from the same noise. \(Self.quoted(machine.joined(separator: "; "))).
      Rings mark what nothing else beats at that cost. Samplers that draw fresh noise do not converge to
      the same picture; for them accuracy is what counts. Fréchet distances of judges' features to those of rendered scenes
      fall with the number of pictures too: compare them down a column only.</p>
      <div class="plots">
      \(plots.map { "<figure>\($0.svg)</figure>" }.joined(separator: "\n"))
      </div>
      <div class="legend">\(legend.joined())</div>
      <h2>The same seed, steps across</h2>
      <p>“\(Self.quoted(settings.prompts.first ?? ""))”, seed \(settings.seeds.first ?? 0)</p>
      <div class="wide"><table>
      <tr><th></th>\(settings.steps.map { "<th>\($0)</th>" }.joined())</tr>
      \(try labels.map { try pictureRow($0) }.joined(separator: "\n"))
      </table></div>
      <h2>Numbers</h2>
      <div class="wide"><table>
      <tr><th>sampler</th><th>steps</th><th>evaluations</th><th>seconds (least–most)</th>\
      <th>distance</th><th>PSNR, dB</th><th>accuracy</th>\
      <th>Fréchet</th></tr>
      \(results.cells.map(Self.numberRow).joined(separator: "\n"))
      </table></div>
      """
    return HTMLText.page(title: "Samplers against steps", style: style, body: body)
  }

  private func pictureRow(_ label: String) throws -> String {
    let fields = try results.settings.steps.map { steps -> String in
      let cell = cell(label, steps)
      guard let picture = try picture(cell) else {
        return "<td class=\"no\" title=\"\(Self.quoted(cell?.refusal ?? "not measured"))\">–</td>"
      }
      let data = Base64.encode(try picture.jpeg(quality: 88))
      return
        "<td><img src=\"data:image/jpeg;base64,\(data)\" alt=\"\(label), \(steps) steps\"></td>"
    }
    return "<tr><td>\(Self.quoted(label))</td>\(fields.joined())</tr>"
  }

  private static func numberRow(_ cell: BenchCell) -> String {
    let head = "<tr><td>\(quoted(cell.label))</td><td>\(cell.steps)</td>"
    if let refusal = cell.refusal {
      return head + "<td colspan=\"6\" class=\"no\">\(quoted(refusal))</td></tr>"
    }
    let spread =
      "\(Plot.short(cell.medianSeconds)) (\(Plot.short(cell.seconds.min() ?? 0))–"
      + "\(Plot.short(cell.seconds.max() ?? 0)))"
    return head
      + "<td>\(cell.calls)</td><td>\(spread)</td><td>\(Plot.short(cell.medianDistance))</td>"
      + "<td>\(Plot.short(cell.meanDecibels))</td><td>\(cell.accuracy.map(Plot.short) ?? "")</td>"
      + "<td>\(cell.frechet.map(Plot.short) ?? "")</td></tr>"
  }

  private static func quoted(_ text: String) -> String { HTMLText.quoted(text) }
}
