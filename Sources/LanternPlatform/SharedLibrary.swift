/// A library of the system that is loaded when it is needed, so that a program which does not need it neither loads it
/// nor fails where it is missing. It stays loaded.
package struct SharedLibrary: Sendable {
  // An address, for a pointer is not `Sendable`.
  private let handle: UInt

  /// Loads the first library of these names that is there; nil where none is.
  package init?(_ names: [String]) {
    for name in names {
      if let found = dlopen(name, RTLD_LAZY | RTLD_LOCAL) {
        handle = UInt(bitPattern: found)
        return
      }
    }
    return nil
  }

  /// The function of a name, in it or in what it is linked with; nil where there is none.
  ///
  /// - Parameters:
  ///   - name: as C has it.
  ///   - type: a type of C's functions (`@convention(c)`), which must be that of the function.
  /// - Returns: the function.
  package func function<Function>(_ name: String, as type: Function.Type) -> Function? {
    guard MemoryLayout<Function>.size == MemoryLayout<UnsafeRawPointer>.size,
      let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: handle), name)
    else { return nil }
    return unsafeBitCast(symbol, to: type)
  }
}
