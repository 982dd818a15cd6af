import Foundation
import Lantern
import LanternFormats
import LanternHub
import LanternPlatform
import TestSupport
import Testing

@Suite("What a hub refuses, and what is refused of it", .serialized) struct RefusalTests {
  private static let repository = FakeHub.Repository(
    files: ["w.safetensors": bytes(100), "unet/config.json": bytes(3)])

  @Test("an address with a port that is none is no address: the client takes ports for granted")
  func ports() {
    for port in ["99999", "65536", "0", "-5", "x", "", "80:80"] {
      #expect(HubURL("http://127.0.0.1:\(port)/a") == nil, "\(port)")
    }
    #expect(HubURL("http://127.0.0.1:65535/a")?.origin == "http://127.0.0.1:65535")
    #expect(HubURL("http://[::1]:1/a")?.origin == "http://[::1]:1")
    #expect(HubURL("http://[::1]/a")?.origin == "http://[::1]")
  }

  /// The error of a pull, and what it left behind besides the cache's tag and marks of missing files.
  private func failure(
    _ text: String, _ repository: FakeHub.Repository = Self.repository,
    _ variables: [String: String] = [:],
    tamper: @escaping @Sendable (HubServer.Request) -> HubServer.Response? = { _ in nil }
  ) async throws -> HubError? {
    var found: HubError?
    try await withHub(repository, tamper: tamper) { hub, home in
      let reference = try #require(HubReference(text))
      found = await #expect(throws: HubError.self) {
        try await hub.client(home, variables).pull(reference)
      }
      let left = try entries(of: home).keys.filter {
        !$0.contains(".locks/") && !$0.contains(".no_exist/") && !$0.hasSuffix("CACHEDIR.TAG")
      }
      #expect(left.isEmpty, "\(left)")
    }
    return found
  }

  @Test(
    "each refusal of the hub has its words and its kind",
    arguments: [
      (401, "GatedRepo", ErrorKind.missing, "licence must be accepted first: open http"),
      (403, "GatedRepo", .missing, "give a token of that account in HF_TOKEN"),
      (401, "RepoNotFound", .missing, "there is no such model at http"),
      (404, "RepoNotFound", .missing, "or give a token in HF_TOKEN"),
      (401, "", .missing, "there is no such model"), (404, "", .missing, "there is no such model"),
      (404, "RevisionNotFound", .missing, "has no revision \"main\""),
      (418, "", .network, "status 418"),
    ])
  func codes(_ status: Int, _ code: String, _ kind: ErrorKind, _ words: String) async throws {
    let error = try await failure("me/tiny") { _ in
      .text(status, "", code.isEmpty ? [] : [("X-Error-Code", code)])
    }
    #expect(error?.kind == kind && "\(error as Any)".contains(words), "\(error as Any)")
  }

  @Test("a gate that stands before the files is told as one, and to whom the token belongs")
  func gatedFile() async throws {
    let error = try await failure(
      "me/tiny:w.safetensors", Self.repository, ["HF_TOKEN": "hf_other"]
    ) { request in
      request.method == "HEAD" ? .text(403, "", [("X-Error-Code", "GatedRepo")]) : nil
    }
    #expect("\(error as Any)".contains("with the account of your token, and accept it there"))
  }

  @Test("a revision and a repository that are not there are told as such")
  func revisions() async throws {
    #expect(
      try await failure("me/tiny@v2")
        == .noRevision(revision: "v2", repository: "me/tiny"))
    guard
      case .noRepository(repository: "me/huge", _, hasToken: false)? = try await failure("me/huge")
    else {
      Issue.record("no such error")
      return
    }
  }

  @Test("a file that is not there is known to be missing, and the nearest name is said")
  func noFile() async throws {
    try await withHub(Self.repository) { hub, home in
      let reference = try #require(HubReference("me/tiny:w.safetensor"))
      let error = await #expect(throws: HubError.self) {
        try await hub.client(home).pull(reference)
      }
      #expect(
        error
          == .noFile(path: "w.safetensor", repository: "me/tiny", nearest: "w.safetensors"))
      let mark = "\(home)/hub/models--me--tiny/.no_exist/\(FakeHub.commit)/w.safetensor"
      #expect(try FileSystem.read(mark, limit: 10).isEmpty)
      #expect(!FileSystem.exists("\(home)/hub/models--me--tiny/refs"))
    }
  }

  @Test(
    "names that lead out of their folder are refused before anything is fetched",
    arguments: [
      "../x", "/etc/x", "", "a//b", "a/../../x", "a/./b", "..", "a\0b", "a\nb", "a/",
      String(repeating: "a", count: 300),
    ])
  func hostilePaths(_ path: String) async throws {
    var repository = Self.repository
    repository.listed = [path]
    let error = try await failure("me/tiny", repository)
    #expect(error == .hostilePath(path: path, repository: "me/tiny"))
    #expect("\(error as Any)".unicodeScalars.allSatisfy { !$0.isControl })
  }

  @Test(
    "an ETag that is no file's name is refused",
    arguments: ["", "../../x", "a/b", "..", ".hidden", String(repeating: "a", count: 200)])
  func hostileETags(_ etag: String) async throws {
    let error = try await failure("me/tiny:w.safetensors") { request in
      request.method == "HEAD"
        ? HubServer.Response(headers: [("ETag", "\"\(etag)\""), ("Content-Length", "5")]) : nil
    }
    #expect(error?.kind == .data && "\(error as Any)".contains("ETag"), "\(error as Any)")
  }

  @Test(
    "a list that is none is refused",
    arguments: [
      "", "[]", "{", "{\"sha\":\"../x\",\"siblings\":[]}", "{\"sha\":\"0123\",\"siblings\":[]}",
      "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\"}",
      "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{}]}",
    ])
  func hostileLists(_ text: String) async throws {
    let error = try await failure("me/tiny") { _ in .text(200, text) }
    #expect(error?.kind == .data, "\(error as Any)")
  }

  @Test("redirects that never end, or lead nowhere, are not followed for ever")
  func redirects() async throws {
    for (location, words) in [
      ("/api/again", "leads on after 10 redirects"), ("ftp://x/", "a redirect to no address"),
      ("http://me:secret@127.0.0.1/", "a redirect to no address"),
    ] {
      let error = try await failure("me/tiny") { _ in .text(302, "", [("Location", location)]) }
      #expect("\(error as Any)".contains(words), "\(error as Any)")
    }
  }

  @Test("a repository that was renamed is followed within the site")
  func renamed() async throws {
    try await withHub(
      Self.repository,
      tamper: { request in
        request.path.contains("/old/name/")
          ? .text(307, "", [("Location", request.path.replacing("/old/name/", with: "/me/tiny/"))])
          : request.path.hasPrefix("/api/models/old/name")
            ? .text(
              307, "", [("Location", request.path.replacing("/old/name", with: "/me/tiny"))])
            : nil
      }
    ) { hub, home in
      let reference = try #require(HubReference("old/name:w.safetensors"))
      let path = try await hub.client(home).pull(reference)
      #expect(path.contains("models--old--name"))
    }
  }

  @Test("a server that is not there is an error of the network")
  func unreachable() async throws {
    try await withTemporaryFolder { home in
      let variables = ["HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": home]
      let reference = try #require(HubReference("me/tiny"))
      let error = await #expect(throws: HubError.self) {
        try await Hub(HubSettings { variables[$0] }).pull(reference)
      }
      #expect(error?.kind == .network)
      #expect("\(error as Any)".contains("Connection refused"), "\(error as Any)")
      #expect(try entries(of: home).isEmpty)
    }
  }

  @Test("what the environment says and makes no sense is an error")
  func environment() throws {
    for variables in [["HF_ENDPOINT": "huggingface.co"], ["HF_TOKEN": "a b"]] {
      let error = #expect(throws: HubError.self) { try HubSettings { variables[$0] } }
      #expect(error?.kind == .usage)
    }
  }

  @Test("offline, what is in the cache is found, and the rest is an error that says why")
  func offline() async throws {
    try await withHub(Self.repository) { hub, home in
      let reference = try #require(HubReference("me/tiny:w.safetensors"))
      let path = try await hub.client(home).pull(reference)
      let before = hub.requests.count
      for name in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        let client = try hub.client(home, [name: "1"])
        #expect(try await client.pull(reference) == path)
        let other = try #require(HubReference("me/other"))
        await #expect(throws: HubError.offline(name: "me/other", variable: name)) {
          try await client.pull(other)
        }
      }
      #expect(hub.requests.count == before)
    }
  }
}
