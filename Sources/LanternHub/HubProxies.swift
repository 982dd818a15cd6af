/// Which proxy an address is reached through: the environment variables that curl and Python read, `http_proxy`,
/// `https_proxy`, `all_proxy` and `no_proxy`, in small letters before capitals.
package struct HubProxies: Sendable {
  /// A proxy of HTTP.
  struct Proxy: Sendable, Hashable {
    let host: String
    let port: Int
    /// Who asks; nil for nobody in particular.
    let user: String?
    let password: String
  }

  /// By the scheme of addresses.
  private let byScheme: [String: Proxy]
  /// Hosts that are reached without, each with the port where that matters.
  private let exceptions: [(host: String, port: Int?)]

  /// Reads the environment.
  ///
  /// - Parameter variable: the value of an environment variable.
  /// - Throws: ``HubError/environment(name:found:allowed:)`` for a value that is no proxy's address.
  package init(_ variable: (String) -> String?) throws(HubError) {
    func value(_ name: String) -> (name: String, value: String)? {
      for name in [name, name.uppercased()] {
        if let value = variable(name) { return value.isEmpty ? nil : (name, value) }
      }
      return nil
    }
    var byScheme: [String: Proxy] = [:]
    for scheme in ["http", "https"] {
      guard let (name, text) = value("\(scheme)_proxy") ?? value("all_proxy") else { continue }
      byScheme[scheme] = try Self.proxy(text, name)
    }
    self.byScheme = byScheme
    exceptions = (value("no_proxy")?.value ?? "").split(separator: ",").compactMap { text in
      let entry = text.filter { !$0.isWhitespace }.lowercased()
      let (host, port) = Self.parts(String(entry.drop { $0 == "." }))
      return host.isEmpty ? nil : (host, port)
    }
  }

  /// All proxies.
  var all: Set<Proxy> { Set(byScheme.values) }

  /// The proxy of an address; nil where it is reached without.
  func proxy(for url: HubURL) -> Proxy? {
    guard let colon = url.origin.firstRange(of: "://") else { return nil }
    let (host, named) = Self.parts(String(url.origin[colon.upperBound...]))
    let port = named ?? (url.isSecure ? 443 : 80)
    let isException = exceptions.contains { entry in
      (entry.port ?? port) == port
        && (entry.host == "*" || entry.host == host || host.hasSuffix(".\(entry.host)"))
    }
    return isException ? nil : byScheme[String(url.origin[..<colon.lowerBound])]
  }

  private static func proxy(_ text: String, _ variable: String) throws(HubError) -> Proxy {
    // Without a scheme it is a host, as for curl.
    let whole = text.firstRange(of: "://") == nil ? "http://\(text)" : text
    let at = whole.lastIndex(of: "@")
    let lead = "http://"
    let address =
      at.map { lead + whole[whole.index(after: $0)...] } ?? whole
    let credentials = at.map { whole[..<$0].dropFirst(lead.count) } ?? ""
    let user = credentials.prefix { $0 != ":" }
    guard whole.lowercased().hasPrefix(lead), let url = HubURL(address), url.path == "/",
      let name = decoded(user), let password = decoded(credentials.dropFirst(user.count + 1))
    else {
      // Without what may be a password.
      let shown = at.map { "…@\(whole[whole.index(after: $0)...])" } ?? text
      throw .environment(
        name: variable, found: shown,
        allowed: "the address of an HTTP proxy, like http://proxy:8080")
    }
    let (host, port) = parts(String(url.origin.dropFirst(lead.count)))
    return Proxy(host: host, port: port ?? 80, user: at.map { _ in name }, password: password)
  }

  /// A host without the brackets of an address of IPv6, and the port behind it.
  private static func parts(_ authority: String) -> (host: String, port: Int?) {
    guard let colon = authority.lastIndex(of: ":"),
      let port = Int(authority[authority.index(after: colon)...]),
      authority.hasPrefix("[") || authority.filter({ $0 == ":" }).count == 1
    else { return (authority.filter { !"[]".contains($0) }, nil) }
    return (authority[..<colon].filter { !"[]".contains($0) }, port)
  }

  /// A text without percent signs for other characters; nil where these are not followed by two digits.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
