/// Memory that this process has in the machine's own.
package enum ResidentMemory {
  /// The most bytes so far, as the system counts them.
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
