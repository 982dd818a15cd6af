import Dispatch
import LanternPlatform

/// Asynchronous work in a program that is not, until it is done or a signal stops it.
enum Waiting {
  /// Runs `body`, and cancels it after Ctrl-C.
  ///
  /// - Throws: what `body` throws, or ``Interruption/Stopped``.
  static func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws
    -> Result
  {
    try run({ (_: @Sendable (Never) -> Void) in try await body() }, onEvent: { _ in })
  }

  /// Runs `body`, and takes what it yields on this thread; cancels it after Ctrl-C.
  ///
  /// - Parameters:
  ///   - body: the work, which yields events.
  ///   - onEvent: called with each event; throw to cancel the work.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` or the closure throws, or ``Interruption/Stopped``.
  static func run<Event: Sendable, Result: Sendable>(
    _ body:
      @escaping @Sendable (_ yield: @escaping @Sendable (Event) -> Void) async throws ->
      Result,
    onEvent: (Event) throws -> Void
  ) throws -> Result {
    let news = DispatchSemaphore(value: 0)
    let events = Locked<[Event]>([])
    let result = Locked<Swift.Result<Result, any Error>?>(nil)
    let task = Task {
      do {
        let value = try await body { event in
          events { $0.append(event) }
          news.signal()
        }
        result { $0 = .success(value) }
      } catch {
        result { $0 = .failure(error) }
      }
      news.signal()
    }
    while true {
      _ = news.wait(timeout: .now() + .milliseconds(50))
      let outcome = result { $0 }
      let new = events { all in
        defer { all = [] }
        return all
      }
      do {
        try new.forEach(onEvent)
        if outcome == nil { try Interruption.check() }
      } catch {
        task.cancel()
        while result({ $0 == nil }) { _ = news.wait(timeout: .now() + .milliseconds(50)) }
        throw error
      }
      if let outcome { return try outcome.get() }
    }
  }
}
