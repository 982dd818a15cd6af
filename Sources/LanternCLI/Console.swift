import LanternPlatform
import LanternFormats
import LanternTensor

/// The program's output: results on standard output, everything else on standard error.
struct Console {
  /// Whether standard output carries one JSON event a line.
  var isJSON = false
  /// Whether only errors are printed.
  var isQuiet = false
  /// Whether details are printed too.
  var isVerbose = false

  /// Whether a person looks at standard error.
  static let isTerminal = isatty(2) == 1
  /// Whether a person looks at standard output.
  private static let showsOutput = isatty(1) == 1

  /// A line for people, on standard error.
  func report(_ line: String) {
    if !isQuiet { Self.complain(line) }
  }

  /// Lines for people, on standard error.
  func report(lines: String) {
    for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
      report(String(line))
    }
  }

  /// A line on standard error, however quiet the rest is.
  static func complain(_ line: String) {
    write(line.escapingControls() + "\n", to: .standardError)
  }

  /// A line for people, on standard output.
  static func print(_ line: String) { put(line + "\n") }

  /// Text for people on standard output, line feeds and tabs as they are.
  static func put(_ text: String) {
    write(text.escapingControls(keepingLines: true), to: .standardOutput)
  }

  /// A note on what has no effect, or another one than may be expected: a line for people, an event for
  /// programs.
  func note(_ text: String) {
    report("note: " + text)
    event(["event": .string("note"), "text": .string(text)])
  }

  /// A line for curious people, and their programs.
  func detail(_ line: String) {
    guard isVerbose else { return }
    report(line)
    event(["event": .string("detail"), "text": .string(line)])
  }

  /// A result: a path on standard output, or an event when programs listen. Programs get the path as
  /// it is; a terminal gets nothing to obey.
  func result(_ path: String, event: [String: JSONValue]) {
    let line = Self.showsOutput ? path.escapingControls() : path
    isJSON ? self.event(event) : Self.write(line + "\n", to: .standardOutput)
  }

  /// An event for programs.
  func event(_ values: [String: JSONValue]) {
    if isJSON { Self.write(JSON.write(.object(values)) + "\n", to: .standardOutput) }
  }

  /// The two streams to write to.
  enum Stream: Int32 {
    case standardOutput = 1
    case standardError = 2
  }

  /// Writes text as it is: untrusted text goes through ``report(_:)``, ``print(_:)`` or
  /// ``put(_:)``. Output to a closed pipe is dropped; another failure of standard output
  /// is recorded, and nothing more is written to it.
  static func write(_ text: String, to stream: Stream) {
    guard stream == .standardError || outputFailure == nil else { return }
    let code = Array(text.utf8).withUnsafeBytes { FileSystem.write($0, to: stream.rawValue) }
    if code != 0, code != EPIPE, stream == .standardOutput { failure { $0 = code } }
  }

  private static let failure = Locked<Int32?>(nil)

  /// The `errno` of a failed write to standard output.
  static var outputFailure: Int32? { failure { $0 } }

  /// Seconds of a clock that only goes forward.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// A number with a few digits after the point.
func rounded(_ value: Double, _ digits: Int = 2) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let whole = (value * scale).rounded()
  guard whole.isFinite, abs(whole) < 1e15 else { return "\(value)" }
  let text = String(Int(abs(whole)))
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  let sign = whole < 0 ? "-" : ""
  guard digits > 0 else { return sign + padded }
  return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
}
