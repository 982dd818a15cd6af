/// A line that grows while work is done: a bar, the time of a step, the time left. On anything but a
/// terminal, a plain line now and then.
struct ProgressBar {
  private let console: Console
  private let start = Console.now
  private var printed = Console.now

  init(_ console: Console) { self.console = console }

  /// Shows that `number` of `count` steps are done.
  ///
  /// - Parameters:
  ///   - number: from 1.
  ///   - count: of them.
  ///   - unit: what a step is called.
  ///   - share: of the work that is done, 0 to 1, where steps are not alike.
  mutating func show(_ number: Int, of count: Int, _ unit: String = "step", share: Double? = nil) {
    guard !console.isQuiet, !console.isJSON else { return }
    let now = Console.now
    let each = (now - start) / Double(number)
    let done = max(share ?? Double(number) / Double(max(count, 1)), 1e-9)
    let left = (now - start) * (1 - done) / done
    let speed = share == nil ? "\(rounded(each)) s a \(unit), " : ""
    if Console.isTerminal {
      let width = 24
      let filled = Int(min(done, 1) * Double(width))
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
      Console.write(
        "\r\(bar) \(number)/\(count)  \(speed)\(rounded(left, 0)) s left\u{1b}[K",
        to: .standardError)
    } else if now - printed > 5 || number == count {
      printed = now
      console.report(
        "\(unit) \(number) of \(count), \(speed)\(rounded(left, 0)) s left")
    }
  }

  /// Clears the line.
  func end() {
    guard !console.isQuiet, !console.isJSON, Console.isTerminal else { return }
    Console.write("\r\u{1b}[K", to: .standardError)
  }
}
