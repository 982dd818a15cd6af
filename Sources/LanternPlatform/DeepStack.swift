/// A thread with a stack of fixed size: the stacks of a process, and of the threads that the system makes
/// for it, may be set to as little as its user likes.
package enum DeepStack {
  private static let byteCount = 8 << 20

  private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Runs `body` on a thread of its own and waits for its end; on the caller's where the system gives
  /// no thread.
  package static func run(_ body: () -> Void) {
    #if canImport(Glibc)
      shareHeap()
    #endif
    withoutActuallyEscaping(body) { body in
      let work = Unmanaged.passRetained(Work(body))
      if !started(work.toOpaque()) { work.takeRetainedValue().body() }
    }
  }

  #if canImport(Glibc)
    /// Lets all threads allocate from one heap. glibc otherwise reserves 128 MB of addresses for a second one, and
    /// where the process has fewer left it tries again at every allocation, which takes a program minutes.
    private static func shareHeap() {
      typealias Option = @convention(c) (_ parameter: Int32, _ value: Int32) -> Int32
      // The function is in no module of Swift's; −8 is `M_ARENA_MAX`.
      guard let mallopt = dlsym(nil, "mallopt") else { return }
      _ = unsafeBitCast(mallopt, to: Option.self)(-8, 1)
    }
  #endif

  /// Whether a thread could be made; it has done its work then.
  private static func started(_ work: UnsafeMutableRawPointer) -> Bool {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return false }
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstacksize(&attributes, byteCount) == 0 else { return false }
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let failed = pthread_create(&thread, &attributes, start, work)
    guard failed == 0 else { return false }
    #if canImport(Darwin)
      if let thread { pthread_join(thread, nil) }
    #else
      pthread_join(thread, nil)
    #endif
    return true
  }

  #if canImport(Darwin)
    private static let start: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? =
      {
        Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body()
        return nil
      }
  #else
    private static let start:
      @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        if let work = $0 { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
        return nil
      }
  #endif
}
