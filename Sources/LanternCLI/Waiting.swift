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
    let done = DispatchSemaphore(value: 0)
    let result = Locked<Swift.Result<Result, any Error>?>(nil)
    let task = Task {
      do {
        let value = try await body()
        result { $0 = .success(value) }
      } catch {
        result { $0 = .failure(error) }
      }
      done.signal()
    }
    while done.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      do {
        try Interruption.check()
      } catch {
        task.cancel()
        done.wait()
        throw error
      }
    }
    guard let outcome = result({ $0 }) else { throw CancellationError() }
    return try outcome.get()
  }
}
