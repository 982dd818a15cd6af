import Lantern

/// Asks for a picture that cannot be, and says what an app may do then.
///
/// - Parameter request: what is wanted.
/// - Returns: what to show to people; nil where the picture can be drawn.
/// - Throws: what is no `LanternError`.
public func problem(with request: ImageRequest) throws -> String? {
  do {
    try ImageGenerator(.picturebook).check(request)
    return nil
  } catch let error as any LanternError {
    switch error.kind {
    case .usage: return "Please ask for something else: \(error)"
    case .memory, .busy, .network: return "Please try again later: \(error)"
    case .data, .missing, .output, .lost: return "\(error)"
    }
  }
}
