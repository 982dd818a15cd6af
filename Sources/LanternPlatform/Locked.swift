/// A value, not a reference, that one thread at a time may see and change.
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

  /// Does something with the value while no other thread does; not to be nested.
  ///
  /// - Parameter body: what is done.
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
