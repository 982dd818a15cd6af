/// A line that grows while work is done: a bar, the time of a step, the time left. On anything but a
/// terminal, a plain line now and then.
struct ProgressBar {
  private let console: Console
  private let start = Console.now
  private var told = Console.now

  init(_ console: Console) { self.console = console }

  /// Shows that `number` of `count` steps are done.
  mutating func show(_ number: Int, of count: Int) {
    guard !console.isQuiet, !console.isJSON else { return }
    let now = Console.now
    let each = (now - start) / Double(number)
    let left = each * Double(count - number)
    if Console.isTerminal {
      let width = 24
      let filled = number * width / count
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
      Console.write(
        "\r\(bar) \(number)/\(count)  \(rounded(each)) s a step, \(rounded(left, 0)) s left\u{1b}[K",
        to: .standardError)
    } else if now - told > 5 || number == count {
      told = now
      console.tell(
        "step \(number) of \(count), \(rounded(each)) s a step, \(rounded(left, 0)) s left")
    }
  }

  /// Clears the line.
  func end() {
    guard !console.isQuiet, !console.isJSON, Console.isTerminal else { return }
    Console.write("\r\u{1b}[K", to: .standardError)
  }
}
