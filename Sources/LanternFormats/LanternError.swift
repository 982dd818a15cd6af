public import LanternTensor

/// An error of Lantern's: one line for people, and a kind for programs.
///
/// Every error that Lantern throws conforms, but for `CancellationError` and what a caller's own closure
/// throws. Exit codes of `lantern` follow from ``kind``, as a server's status may.
public protocol LanternError: Error, CustomStringConvertible {
  /// What kind of failure it is.
  var kind: ErrorKind { get }
}

/// Kinds of failure, by what helps.
public enum ErrorKind: String, Sendable, CaseIterable {
  /// An impossible value, name or combination of settings: change the request.
  case usage
  /// A file that is damaged, of an unsupported kind or with unsupported settings: give another.
  case data
  /// A file or folder that is missing, or that the system does not allow to read.
  case missing
  /// Out of memory: request less at once.
  case memory
  /// A file that cannot be written: write elsewhere.
  case output
  /// A file that changed, or an output that broke, while work went on: start again.
  case lost
  /// Another process is at work there, or a server is busy: wait.
  case busy
  /// A server that cannot be reached, or gives no useful answer: check the connection.
  case network
}

extension TensorError: LanternError {
  /// ``ErrorKind/memory`` for want of it, ``ErrorKind/data`` otherwise.
  public var kind: ErrorKind { if case .outOfMemory = self { .memory } else { .data } }
}
