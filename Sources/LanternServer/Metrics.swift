import LanternPlatform

/// Counts of calls and their times, in the text form that Prometheus reads.
final class Metrics: Sendable {
  private struct Counts {
    var calls: [String: Int] = [:]
    var seconds = 0.0
  }

  private let counts = Locked(Counts())
  private let start = ContinuousClock.now

  /// Notes a call that was answered.
  func note(_ method: String, _ status: Int, seconds: Double) {
    // Callers may send any word as a method, and each label is kept.
    let method = ["GET", "POST", "DELETE", "HEAD", "OPTIONS"].contains(method) ? method : "other"
    counts {
      $0.calls["method=\"\(method)\",status=\"\(status)\"", default: 0] += 1
      $0.seconds += seconds
    }
  }

  /// All counts, with those of the pictures.
  func text(drawn: Int, waiting: Int) -> String {
    let (calls, seconds) = counts { ($0.calls, $0.seconds) }
    var lines = [
      "# HELP lantern_requests_total Calls that were answered.",
      "# TYPE lantern_requests_total counter",
    ]
    lines += calls.sorted { $0.key < $1.key }.map {
      "lantern_requests_total{\($0.key)} \($0.value)"
    }
    func add(_ name: String, _ type: String, _ help: String, _ value: String) {
      lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)", "\(name) \(value)"]
    }
    add(
      "lantern_request_seconds_total", "counter",
      "Seconds from calls to the heads of their answers.",
      "\(seconds)")
    add("lantern_pictures_total", "counter", "Pictures that were drawn.", "\(drawn)")
    add("lantern_pictures_waiting", "gauge", "Jobs that wait.", "\(waiting)")
    add(
      "lantern_uptime_seconds", "gauge", "Seconds since the start.",
      "\((ContinuousClock.now - start) / .seconds(1))")
    add(
      "lantern_resident_bytes_peak", "gauge", "Most bytes in memory so far.",
      "\(ResidentMemory.peak)")
    return lines.joined(separator: "\n") + "\n"
  }
}
