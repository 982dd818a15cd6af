import Lantern
import LanternHub
import TestSupport
import Testing

@Suite("Proxies of the environment") struct ProxyTests {
  /// Pulls a file through what the variables say, and gives the proxy's requests.
  private func asked(
    _ variables: (_ proxy: String, _ hub: FakeHub) -> [String: String],
    authorization: String? = nil, _ body: (FakeHub) -> Void = { _ in }
  ) async throws -> [String] {
    let proxy = try await ProxyServer(authorization: authorization)
    do {
      try await withHub(PullTests.single) { hub, home in
        let reference = try #require(HubReference("me/tiny:w.safetensors"))
        _ = try await hub.client(home, variables(proxy.address, hub)).pull(reference) { _ in }
        body(hub)
      }
    } catch {
      try await proxy.stop()
      throw error
    }
    try await proxy.stop()
    return proxy.requests
  }

  private func complaint(_ variables: [String: String]) -> String {
    do {
      _ = try HubSettings { variables[$0] }
      return ""
    } catch { return "\(error)" }
  }

  @Test(
    "a model is pulled through the proxy of its address's scheme, in either spelling",
    arguments: ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
  func through(name: String) async throws {
    var servers: [String] = []
    let asked = try await asked({ proxy, hub in
      servers = [hub.hub.address, hub.store.address].map { String($0.dropFirst("http://".count)) }
      return [name: "http://\(proxy)"]
    })
    for server in servers { #expect(asked.contains("CONNECT \(server) HTTP/1.1"), "\(asked)") }
  }

  @Test("a proxy without a scheme is one of HTTP, and gets the name and password of its address")
  func credentials() async throws {
    // "me:p@ss" as Base64.
    let header = "Basic bWU6cEBzcw=="
    let known = try await asked(
      { proxy, _ in ["http_proxy": "me:p%40ss@\(proxy)"] }, authorization: header)
    #expect(!known.isEmpty)
    await #expect {
      try await asked({ proxy, _ in ["http_proxy": "me:other@\(proxy)"] }, authorization: header)
    } throws: {
      "\($0)".contains("the proxy wants a name and a password")
        && "\($0)".contains("(through the proxy 127.0.0.1:") && !"\($0)".contains("other")
    }
  }

  @Test(
    "other schemes' proxies, empty ones, and hosts of no_proxy are passed by",
    arguments: [
      ["https_proxy": "PROXY"], ["http_proxy": "", "HTTP_PROXY": "PROXY"],
      ["http_proxy": "PROXY", "no_proxy": "example.com, 127.0.0.1"],
      ["http_proxy": "PROXY", "NO_PROXY": "*"], ["http_proxy": "PROXY", "NO_PROXY": ".0.0.1"],
    ])
  func direct(variables: [String: String]) async throws {
    let asked = try await asked({ proxy, _ in
      variables.mapValues { $0.replacing("PROXY", with: proxy) }
    })
    #expect(asked.isEmpty, "\(asked)")
  }

  @Test("no_proxy with a port is for that port alone")
  func ports() async throws {
    var store = ""
    let asked = try await asked({ proxy, hub in
      let hosts = [hub.hub.address, hub.store.address].map { String($0.dropFirst("http://".count)) }
      store = hosts[1]
      return ["http_proxy": proxy, "no_proxy": hosts[0]]
    })
    #expect(asked == ["CONNECT \(store) HTTP/1.1"])
  }

  @Test("what is no proxy's address is refused by the variable's name, without its password")
  func refusals() async throws {
    for value in [
      "socks5://proxy:1080", "https://proxy", "http://proxy/path", "http://", "http://a b",
      "http://me:%4@proxy", "socks5://me:secret@proxy",
    ] {
      let said = complaint(["HTTPS_PROXY": value])
      #expect(
        said.contains("HTTPS_PROXY") && said.contains("http://proxy:8080"), "\(value): \(said)")
      #expect(!said.contains("secret"))
    }
    #expect(complaint(["HTTPS_PROXY": "http://[::1]:8080/"]).isEmpty)
    // A proxy that is not there.
    await #expect {
      try await asked({ _, _ in ["http_proxy": "127.0.0.1:9"] })
    } throws: { "\($0)".contains("(through the proxy 127.0.0.1:9)") }
  }
}
