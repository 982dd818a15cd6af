import LanternPlatform
import Dispatch
import LanternTensor

/// The queue of long computations. They block their thread, so they must not take one of Swift's
/// cooperative pool, and every one of them uses all processors, so they take turns.
package enum ComputeQueue {
  private static let queue = DispatchQueue(label: "lantern.compute", qos: .userInitiated)
  /// Short work that waits, in order.
  private static let short = Locked<[@Sendable () -> Void]>([])

  /// Runs `work` when it is its turn, without waiting for it.
  package static func start(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

  /// Runs `work` when it is its turn.
  ///
  /// - Parameter work: what is to be done; it calls its argument often, which throws
  ///   `CancellationError` once the caller's task is cancelled.
  /// - Returns: what `work` returns.
  /// - Throws: what `work` throws.
  package static func run<Value: Sendable>(
    _ work: @escaping @Sendable (_ checkCancellation: () throws -> Void) throws -> Value
  ) async throws -> Value {
    let isCancelled = Locked(false)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        start {
          continuation.resume(
            with: Result {
              func check() throws { if isCancelled({ $0 }) { throw CancellationError() } }
              try check()
              return try work(check)
            })
        }
      }
    } onCancel: {
      isCancelled { $0 = true }
    }
  }

  /// Runs short work, as a token of each text that a language model writes, when it is its turn, or before that between
  /// two steps of a picture (``runShort(for:)``), without waiting for it.
  package static func startShort(_ work: @escaping @Sendable () -> Void) {
    short { $0.append(work) }
    start { runNextShort() }
  }

  /// Runs short work that waits, on the thread of long work that has come to an end of a step.
  ///
  /// - Parameter seconds: the time after which no more of it is begun.
  static func runShort(for seconds: Double) {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(seconds), runNextShort() {}
  }

  @discardableResult
  private static func runNextShort() -> Bool {
    guard let work = short({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
    work()
    return true
  }
}

/// A pause between steps of long work, in which short work has as much time as a step took.
struct StepPause {
  private var start = ContinuousClock.now

  mutating func afterStep() {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    ComputeQueue.runShort(for: seconds)
    start = .now
  }
}

/// The executor of an actor whose work is short and runs on the queue of long computations.
final class ComputeExecutor: SerialExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    ComputeQueue.startShort { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
