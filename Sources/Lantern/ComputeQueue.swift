import LanternPlatform
import Dispatch
import LanternTensor

/// The queue of long computations. They block their thread, so they must not take one of Swift's
/// cooperative pool, and every one of them uses all processors, so they take turns.
enum ComputeQueue {
  private static let queue = DispatchQueue(label: "lantern.compute", qos: .userInitiated)

  /// Runs `work` when it is its turn, without waiting for it.
  static func start(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

  /// Runs `work` when it is its turn.
  ///
  /// - Parameter work: what is to be done; it calls its argument often, which throws
  ///   `CancellationError` once the caller's task is cancelled.
  /// - Returns: what `work` returns.
  /// - Throws: what `work` throws.
  static func run<Value: Sendable>(
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
}
