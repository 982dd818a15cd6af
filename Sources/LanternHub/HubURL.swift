/// An address of HTTP, as far as its parts are needed.
package struct HubURL: Sendable, Equatable {
  /// Scheme, host and port, as `https://host:443`: what a token is given to.
  package let origin: String
  /// Path and query, which begin with a slash.
  package let path: String

  /// Whether what goes there is encrypted.
  package var isSecure: Bool { origin.hasPrefix("https:") }
  package var text: String { origin + path }

  /// The address of a text; nil for another than of `http` or `https`, with a password, with a port that is none of 1 to
  /// 65535, or with what no address has.
  package init?(_ text: String) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.utf8.count <= 8192,
      let colon = text.firstRange(of: "://")
    else { return nil }
    let scheme = text[..<colon.lowerBound].lowercased()
    let rest = text[colon.upperBound...].prefix { $0 != "#" }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }.lowercased()
    guard scheme == "http" || scheme == "https", !authority.isEmpty, !authority.contains("@"),
      !authority.hasPrefix(":"), Self.hasSoundPort(authority)
    else { return nil }
    let standard = scheme == "https" ? ":443" : ":80"
    let host =
      authority.hasSuffix(standard) ? String(authority.dropLast(standard.count)) : authority
    let path = rest.dropFirst(authority.count)
    self.init(
      origin: "\(scheme)://\(host)", path: path.hasPrefix("/") ? String(path) : "/\(path)")
  }

  /// Whether the port, where there is one, is one: the client takes others for granted.
  private static func hasSoundPort(_ authority: String) -> Bool {
    guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
      return true
    }
    let (host, digits) = (authority[..<colon], authority[authority.index(after: colon)...])
    guard !host.contains(":") || host.hasPrefix("[") && host.hasSuffix("]") else { return false }
    return digits.allSatisfy { $0.isASCII && $0.isNumber } && UInt16(digits).map { $0 > 0 } == true
  }

  private init(origin: String, path: String) { (self.origin, self.path) = (origin, path) }

  /// The address that a redirect leads to.
  package func resolved(_ location: String) -> HubURL? {
    // With a scheme it is whole, and of another than HTTP no address here.
    if location.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") { return HubURL(location) }
    if location.hasPrefix("//") {
      return HubURL((isSecure ? "https:" : "http:") + location)
    }
    if location.hasPrefix("/") { return HubURL(origin + location) }
    let folder = path.prefix { $0 != "?" }.lastIndex(of: "/").map { path[...$0] } ?? "/"
    return HubURL(origin + folder + location)
  }

  /// A text as part of a path: all but letters, digits and `-._~` as percent signs and digits.
  static func encoded(_ text: some StringProtocol) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }
}
