/// A mutex around a value (not a reference), which one thread at a time may read and change.
///
/// Unchecked `Sendable`: the value is reached behind the mutex alone.
package final class Locked<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` with the value locked; not to be nested.
  ///
  /// - Parameter body: reads or changes the value.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  package func callAsFunction<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result)
    throws(Failure) -> Result
  {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
