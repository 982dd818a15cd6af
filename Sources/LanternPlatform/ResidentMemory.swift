/// The resident set of this process.
package enum ResidentMemory {
  /// Its peak in bytes, as the system counts them.
  package static var peak: Int {
    var usage = rusage()
    #if canImport(Glibc)
      // Its constant is of another type than its function takes.
      getrusage(__rusage_who_t(0), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    #if canImport(Darwin)
      return usage.ru_maxrss
    #else
      return usage.ru_maxrss * 1024
    #endif
  }
}
