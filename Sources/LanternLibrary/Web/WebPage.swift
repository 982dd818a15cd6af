import AsyncHTTPClient
import Lantern
import LanternFormats
import LanternHub
import NIOCore
import NIOHTTP1

/// What an address gave.
package struct WebPage: Sendable {
  /// The address that was given, not the one that it led to.
  package let url: String
  package let bytes: [UInt8]
  /// The value of `Content-Type`.
  let mediaType: String?

  package init(url: String, bytes: [UInt8], mediaType: String?) {
    (self.url, self.bytes, self.mediaType) = (url, bytes, mediaType)
  }

  /// How its characters are encoded, as the server says.
  var encoding: String? {
    mediaType?.split(separator: ";").lazy.compactMap { part -> String? in
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].filter({ !$0.isWhitespace }).lowercased() == "charset" else {
        return nil
      }
      return pair[1].filter { !$0.isWhitespace && $0 != "\"" }
    }.first
  }

  /// Whether a text is an address rather than a path.
  package static func isAddress(_ text: String) -> Bool {
    text.firstRange(of: "://").map { text[..<$0.lowerBound].allSatisfy(\.isLetter) } ?? false
  }

  /// Fetches an address that the user gave, and nothing that it mentions, where its site lets programs.
  ///
  /// - Parameters:
  ///   - url: an address of `http` or `https`.
  ///   - limits: of bytes, seconds and redirects.
  ///   - variable: the value of an environment variable, for proxies.
  /// - Returns: what it gave.
  /// - Throws: ``LibraryError`` or `CancellationError`.
  package static func fetch(
    _ url: String, limits: DocumentLimits = DocumentLimits(),
    variable: (String) -> String? = HubCache.variable
  ) async throws -> WebPage {
    guard let address = HubURL(url) else {
      throw LibraryError.badAddress(url: url, reason: "is no address of http or https")
    }
    let proxies: HubProxies
    do { proxies = try HubProxies(variable) } catch {
      throw LibraryError.badAddress(url: url, reason: "\(error)")
    }
    let client = WebClient(proxies, patience: min(limits.seconds, 20))
    let fetcher = Fetcher(
      client: client, limits: limits,
      deadline: NIODeadline.now() + .seconds(Int64(limits.seconds)))
    do {
      let page = try await fetcher.page(address, givenAs: url)
      await client.shutDown()
      return page
    } catch {
      await client.shutDown()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }
}

/// Fetches one page with what leads to it.
private struct Fetcher {
  let client: WebClient
  let limits: DocumentLimits
  let deadline: NIODeadline

  func page(_ address: HubURL, givenAs name: String) async throws -> WebPage {
    var url = address
    for _ in 0...limits.redirectCount {
      try await checkRobots(url)
      let response = try await get(url)
      let status = Int(response.status.code)
      if let next = try redirect(response, from: url) {
        url = next
        continue
      }
      guard status == 200 else { throw LibraryError.status(url: url.text, status: status) }
      return WebPage(
        url: name, bytes: try await body(response, of: url, limit: limits.byteCount),
        mediaType: response.headers.first(name: "content-type"))
    }
    throw LibraryError.badAddress(
      url: name, reason: "leads on after \(limits.redirectCount) redirects")
  }

  /// - Throws: ``LibraryError/forbiddenByRobots(url:file:)``; also where the site's server fails, as RFC 9309 wants.
  private func checkRobots(_ url: HubURL) async throws {
    guard var file = HubURL("\(url.origin)/robots.txt") else { return }
    let name = file.text
    for _ in 0...limits.redirectCount {
      let response = try await get(file)
      if let next = try redirect(response, from: file) {
        file = next
        continue
      }
      switch response.status.code {
      case 200..<300:
        let bytes = try await body(
          response, of: file, limit: RobotsRules.byteLimit, cuts: true)
        guard RobotsRules(String(decoding: bytes, as: UTF8.self)).allows(url.path) else {
          throw LibraryError.forbiddenByRobots(url: url.text, file: name)
        }
        return
      case 400..<500: return
      default: throw LibraryError.status(url: name, status: Int(response.status.code))
      }
    }
  }

  /// Where an answer leads on to; nil where it does not.
  private func redirect(_ response: HTTPClientResponse, from url: HubURL) throws -> HubURL? {
    guard [301, 302, 303, 307, 308].contains(response.status.code),
      let location = response.headers.first(name: "location")
    else { return nil }
    guard let next = url.resolved(location) else {
      throw LibraryError.badAddress(url: url.text, reason: "leads to what is no address")
    }
    guard next.isSecure || !url.isSecure else {
      throw LibraryError.badAddress(
        url: url.text, reason: "leads from an encrypted connection to a plain one")
    }
    return next
  }

  private func get(_ url: HubURL) async throws -> HTTPClientResponse {
    try Task.checkCancellation()
    var request = HTTPClientRequest(url: url.text)
    request.headers.add(
      name: "User-Agent", value: "\(RobotsRules.agent)/\(LanternVersion.number)")
    request.headers.add(name: "Accept-Encoding", value: "identity")
    do { return try await client.client(for: url).execute(request, deadline: deadline) } catch {
      throw unreachable(url, error)
    }
  }

  private func body(
    _ response: HTTPClientResponse, of url: HubURL, limit: Int, cuts: Bool = false
  ) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      for try await buffer in response.body {
        bytes += buffer.readableBytesView
        if bytes.count > limit {
          if cuts { break }
          throw LibraryError.tooLarge(
            source: url.text, what: "it has more bytes than are read", limit: limit)
        }
        if NIODeadline.now() > deadline {
          throw LibraryError.unreachable(
            url: url.text, reason: "it takes longer than \(limits.seconds) s")
        }
      }
    } catch let error as LibraryError {
      throw error
    } catch {
      throw unreachable(url, error)
    }
    return bytes
  }

  private func unreachable(_ url: HubURL, _ error: any Error) -> any Error {
    if Task.isCancelled { return CancellationError() }
    if let error = error as? HTTPClientError, error == .deadlineExceeded {
      return LibraryError.unreachable(
        url: url.text, reason: "it takes longer than \(limits.seconds) s")
    }
    return LibraryError.unreachable(
      url: url.text, reason: client.reason(error) + client.way(to: url))
  }
}
