package import Lantern
import LanternFormats
import LanternPlatform

/// Which hub, with which token, and where its files go: from the environment variables that Python's
/// `huggingface_hub` reads.
package struct HubSettings: Sendable {
  /// The hub's address, without a slash at its end.
  package let endpoint: String
  /// What says who fetches; nil for nobody in particular.
  let token: String?
  /// The variable that says to use the cache alone, if one does.
  let offlineVariable: String?
  /// Where files go.
  package let cache: HubCache
  /// How it is reached.
  let proxies: HubProxies
  /// Seconds without a byte after which a connection counts as cut.
  let patience: Int
  /// Seconds to wait before a second attempt; each further one waits twice as long.
  package var pause = 1.0
  /// The longest wait that a busy hub may ask of a reader, in seconds.
  package var longestPause = 120

  /// Attempts without a byte in between.
  static let attempts = 5

  /// Reads the environment, and the file with the token.
  ///
  /// - Parameter variable: the value of an environment variable.
  /// - Throws: ``HubError/environment(name:found:allowed:)`` for what makes no sense.
  package init(_ variable: (String) -> String? = HubCache.variable) throws(HubError) {
    var endpoint = variable("HF_ENDPOINT") ?? "https://huggingface.co"
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    guard HubURL(endpoint) != nil, !endpoint.contains("?") else {
      throw .environment(
        name: "HF_ENDPOINT", found: endpoint, allowed: "an address, like https://huggingface.co")
    }
    self.endpoint = endpoint
    offlineVariable = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].first {
      Self.isTrue(variable($0))
    }
    cache = HubCache(variable)
    patience = max(variable("HF_HUB_DOWNLOAD_TIMEOUT").flatMap { Int($0) } ?? 10, 1)
    token = try Self.token(variable)
    proxies = try HubProxies(variable)
  }

  private static func isTrue(_ value: String?) -> Bool {
    ["1", "ON", "YES", "TRUE"].contains(value?.uppercased() ?? "")
  }

  private static func token(_ variable: (String) -> String?) throws(HubError) -> String? {
    guard !isTrue(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN")) else { return nil }
    let path =
      variable("HF_TOKEN_PATH") ?? FileSystem.join(HubCache.home(variable), "token")
    let given = variable("HF_TOKEN") ?? variable("HUGGING_FACE_HUB_TOKEN")
    let file = { try? FileSystem.read(path, limit: 4096) }
    let text = given ?? file().map { String(decoding: $0, as: UTF8.self) }
    guard let token = text?.filter({ !$0.isNewline }).trimmed, !token.isEmpty else { return nil }
    guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .environment(
        name: given == nil ? path : "HF_TOKEN", found: "…",
        allowed: "a token of letters and digits, like hf_abc")
    }
    return token
  }
}
