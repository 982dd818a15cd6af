extension [UInt8] {
  /// What `body` makes of the bytes; `withUnsafeBytes` of the standard library forgets which type of
  /// error it throws.
  package func withBytes<Value>(
    _ body: (UnsafeRawBufferPointer) throws(FormatError) -> Value
  ) throws(FormatError) -> Value {
    let outcome: Result<Value, FormatError> = withUnsafeBytes { buffer in
      Result { () throws(FormatError) in try body(buffer) }
    }
    return try outcome.get()
  }
}
