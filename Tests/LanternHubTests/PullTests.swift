import Foundation
import Lantern
import LanternFormats
import LanternHub
import LanternPlatform
import TestSupport
import Testing

@Suite("Models are pulled", .serialized) struct PullTests {
  static let large = bytes(30_000)
  static let etag = FakeHub.etag("w.safetensors", large)
  static let single = FakeHub.Repository(files: ["w.safetensors": large, "README.md": bytes(10)])
  static let blob = "hub/models--me--tiny/blobs/\(etag)"
  static let reference = HubReference("me/tiny:w.safetensors")

  /// Pulls the one file.
  private func pull(
    _ hub: FakeHub, _ home: String, _ text: String = "me/tiny:w.safetensors",
    _ variables: [String: String] = [:], events: EventLog = EventLog()
  ) async throws -> String {
    let reference = try #require(HubReference(text))
    return try await hub.client(home, variables).pull(reference) { events.add($0) }
  }

  @Test("a file is what the hub has, and its token goes to the hub alone")
  func file() async throws {
    try await withHub(Self.single) { hub, home in
      let path = try await pull(hub, home, "me/tiny:w.safetensors", ["HF_TOKEN": " hf_secret\n"])
      #expect(path == "\(home)/hub/models--me--tiny/snapshots/\(FakeHub.commit)/w.safetensors")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.large))
      #expect(hub.hub.requests.count == 3 && hub.store.requests.count == 1)
      for request in hub.hub.requests {
        #expect(request.header("authorization") == "Bearer hf_secret")
        #expect(request.header("user-agent")?.hasPrefix("lantern/") == true)
        #expect(request.header("accept-encoding") == "identity")
      }
      let asked = try #require(hub.store.requests.first)
      #expect(asked.path == "/w.safetensors?signature=a%2Fb")
      #expect(asked.header("authorization") == nil)
    }
  }

  @Test("a second pull asks what is new and fetches nothing")
  func twice() async throws {
    try await withHub(Self.single) { hub, home in
      let first = try await pull(hub, home)
      let events = EventLog()
      #expect(try await pull(hub, home, events: events) == first)
      #expect(hub.store.requests.count == 1)
      #expect(
        events.all.contains(
          .file(path: "w.safetensors", byteCount: Self.large.count, wasCached: true)))
    }
  }

  @Test("a connection that is cut goes on at the byte where it was, in the same pull")
  func cut() async throws {
    let cuts = Locked(0)
    try await withHub(
      Self.single,
      tamper: { request in
        guard request.path.hasPrefix("/w.safetensors"),
          cuts({
            $0 += 1; return $0
          }) <= 2
        else {
          return nil
        }
        var response = FakeHub.part(of: Self.large, request)
        response.cutAfter = 10_000
        return response
      }
    ) { hub, home in
      let path = try await pull(hub, home)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.large))
      #expect(
        hub.store.requests.map { $0.header("range") } == [
          nil, "bytes=10000-", "bytes=20000-",
        ])
    }
  }

  @Test(
    "a pull that failed leaves what came, which the next one goes on with",
    arguments: [0, 1, 9_999])
  func resumes(after count: Int) async throws {
    let isCut = Locked(true)
    try await withHub(
      Self.single,
      tamper: { request in
        guard request.path.hasPrefix("/w.safetensors"), isCut({ $0 }) else { return nil }
        guard request.header("range") == nil else {
          return HubServer.Response(isMute: true)
        }
        return HubServer.Response(body: Self.large, cutAfter: count)
      }
    ) { hub, home in
      await #expect(throws: HubError.self) { try await pull(hub, home) }
      let left = try entries(of: home).filter { !$0.key.contains("/.locks/") }
      #expect(
        Set(left.keys) == ["hub/CACHEDIR.TAG", Self.blob + ".incomplete"])
      #expect(FileSystem.exists("\(home)/\(Self.blob)") == false)
      isCut { $0 = false }
      let before = hub.store.requests.count
      _ = try await pull(hub, home)
      let ranges = hub.store.requests[before...].map { $0.header("range") }
      #expect(ranges == [count == 0 ? nil : "bytes=\(count)-"])
      #expect(try !entries(of: home).keys.contains { $0.hasSuffix(".incomplete") })
    }
  }

  @Test("a server that ignores what part is wanted, or has other bytes, is asked for all of it")
  func wholes() async throws {
    for status in [200, 206, 416] {
      try await withHub(
        Self.single,
        tamper: { request in
          guard request.path.hasPrefix("/w.safetensors"),
            request.header("range") != nil
          else { return nil }
          return HubServer.Response(
            status: status, headers: status == 206 ? [("Content-Range", "bytes 0-9/30000")] : [],
            body: status == 416 ? [] : Self.large)
        }
      ) { hub, home in
        try leave(Array(Self.large[..<5000]), in: home)
        let path = try await pull(hub, home)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.large))
      }
    }
  }

  /// Puts bytes where a pull that was stopped leaves them.
  private func leave(_ bytes: [UInt8], in home: String) throws {
    try FileSystem.makeFolder("\(home)/hub/models--me--tiny/blobs")
    try Data(bytes).write(to: URL(fileURLWithPath: "\(home)/\(Self.blob).incomplete"))
  }

  @Test("what was left and is damaged, too long or of all bytes is no reason to fail")
  func leftovers() async throws {
    var damaged = Array(Self.large[..<7_000])
    damaged[7] ^= 1
    for (left, requests) in [
      (damaged, 2), (Self.large + [0], 1), (Self.large, 0),
      (Array(damaged + Self.large[7_000...]), 1),
    ] {
      try await withHub(Self.single) { hub, home in
        try leave(left, in: home)
        let path = try await pull(hub, home)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.large))
        #expect(hub.store.requests.count == requests)
      }
    }
  }

  @Test("bytes of another digest, too many and too few are refused, and nothing of them is kept")
  func wrongBytes() async throws {
    var other = Self.large
    other[20_000] ^= 1
    for (body, isSize) in [(other, false), (Self.large + [1], true)] {
      try await withHub(
        Self.single,
        tamper: { $0.path.hasPrefix("/w.safetensors") ? HubServer.Response(body: body) : nil }
      ) { hub, home in
        let error = await #expect(throws: HubError.self) { try await pull(hub, home) }
        #expect(error?.kind == .data)
        if isSize {
          #expect("\(error as Any)".contains("30001 bytes instead of 30000"))
        } else {
          #expect("\(error as Any)".contains("its digest is \(SHA256.hex(of: other))"))
        }
        let left = try entries(of: home).keys.filter { !$0.contains("/.locks/") }
        #expect(left == ["hub/CACHEDIR.TAG"])
      }
    }
    // Too few cannot be told from a cut connection; what came stays.
    try await withHub(
      Self.single,
      tamper: { request in
        guard request.path.hasPrefix("/w.safetensors") else { return nil }
        return request.header("range") == nil
          ? HubServer.Response(body: Array(Self.large[..<10]))
          : HubServer.Response(status: 206, headers: [("Content-Range", "bytes 10-9/30000")])
      }
    ) { hub, home in
      let error = await #expect(throws: HubError.self) { try await pull(hub, home) }
      #expect(error?.kind == .network)
    }
  }

  @Test("git's digest of a small file is checked too")
  func gitDigest() async throws {
    let repository = FakeHub.Repository(files: ["config.json": Array("{}".utf8)])
    try await withHub(
      repository,
      tamper: { request in
        guard request.method == "GET", request.path.hasSuffix("config.json") else { return nil }
        return .text(200, "[]")
      }
    ) { hub, home in
      let error = await #expect(throws: HubError.self) {
        try await pull(hub, home, "me/tiny:config.json")
      }
      guard case .wrongDigest(_, let expected, _) = error else {
        Issue.record("\(error as Any)")
        return
      }
      // git hash-object of the two bytes.
      #expect(expected == "9e26dfeeb6e641a33dae4961196235bdb965b21b")
    }
  }

  @Test("cut at any stage there is one error, and nothing half under its own name")
  func cutAtEveryStage() async throws {
    for stage in 0..<4 {
      let seen = Locked(0)
      try await withHub(
        Self.single,
        tamper: { _ in
          seen {
            $0 += 1; return $0
          } > stage ? HubServer.Response(isMute: true) : nil
        }
      ) { hub, home in
        let error = await #expect(throws: HubError.self) { try await pull(hub, home) }
        #expect(error?.kind == .network, "stage \(stage)")
        let left = try entries(of: home).keys.filter { name in
          !name.contains("/.locks/") && !name.hasSuffix(".incomplete") && name != "hub/CACHEDIR.TAG"
        }
        #expect(left.isEmpty, "stage \(stage): \(left)")
      }
    }
  }

  @Test("a server that stops talking is given up, and what came is kept")
  func stalls() async throws {
    try await withHub(
      Self.single,
      tamper: { request in
        guard request.path.hasPrefix("/w.safetensors") else { return nil }
        guard request.header("range") == nil else {
          return HubServer.Response(status: 404)
        }
        return HubServer.Response(body: Self.large, stallsAfter: 1000)
      }
    ) { hub, home in
      let events = EventLog()
      await #expect(throws: HubError.self) {
        try await pull(
          hub, home, "me/tiny:w.safetensors", ["HF_HUB_DOWNLOAD_TIMEOUT": "4"], events: events)
      }
      #expect(events.waits.contains { $0.contains("no byte came for 4 s") })
      let left = try entries(of: home)
      #expect(left["\(Self.blob).incomplete"]?.isEmpty == false)
    }
  }

  @Test("a busy hub is waited for as long as it wants, but not for ever")
  func busy() async throws {
    let count = Locked(0)
    try await withHub(
      Self.single,
      tamper: { _ in
        switch count({
          $0 += 1; return $0
        }) {
        case 1: .text(429, "", [("Retry-After", "1")])
        case 2: .text(503, "")
        case 3: .text(429, "", [("RateLimit", "\"api\";r=0;t=1")])
        default: nil
        }
      }
    ) { hub, home in
      let begin = Date()
      let events = EventLog()
      _ = try await pull(hub, home, events: events)
      #expect(Date().timeIntervalSince(begin) > 2)
      #expect(events.waits.count == 3 && events.waits[0].contains("429"))
    }
    for (status, after) in [(429, "3600"), (503, nil as String?)] {
      try await withHub(
        Self.single,
        tamper: { _ in .text(status, "", after.map { [("Retry-After", $0)] } ?? []) }
      ) { hub, home in
        let error = await #expect(throws: HubError.self) { try await pull(hub, home) }
        #expect(error?.kind == .busy && "\(error as Any)".contains("\(status)"))
        #expect(hub.requests.count == (after == nil ? 5 : 1))
      }
    }
  }

  @Test("a pull that is cancelled leaves what came and nothing else")
  func cancelling() async throws {
    try await withHub(
      Self.single,
      tamper: { request in
        request.path.hasPrefix("/w.safetensors")
          ? HubServer.Response(body: Self.large, stallsAfter: 10_000) : nil
      }
    ) { hub, home in
      let client = try hub.client(home)
      let reference = try #require(Self.reference)
      let task = Task { try await client.pull(reference) }
      let partial = "\(home)/\(Self.blob).incomplete"
      for _ in 0..<500
      where (try? Data(contentsOf: URL(fileURLWithPath: partial)))?.count != 10_000 {
        try await Task.sleep(nanoseconds: 10_000_000)
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      let left = try entries(of: home).keys.filter { !$0.contains("/.locks/") }
      #expect(Set(left) == ["hub/CACHEDIR.TAG", "\(Self.blob).incomplete"])
    }
  }

  @Test("a file that another program fetches is waited for")
  func locks() async throws {
    try await withHub(Self.single) { hub, home in
      let path = "\(home)/hub/.locks/models--me--tiny/\(Self.etag).lock"
      try FileSystem.makeFolder(FileSystem.split(path).folder)
      let file = open(path, O_RDWR | O_CREAT, 0o644)
      #expect(flock(file, LOCK_EX) == 0)
      let events = EventLog()
      async let result = pull(hub, home, events: events)
      for _ in 0..<500 where events.notes.isEmpty { try await Task.sleep(nanoseconds: 10_000_000) }
      #expect(events.notes.contains { $0.contains("another program fetches w.safetensors") })
      #expect(hub.store.requests.isEmpty)
      close(file)
      _ = try await result
    }
  }

  @Test("a disk without room is found before anything is fetched")
  func space() async throws {
    try await withHub(
      Self.single,
      tamper: { request in
        guard request.method == "HEAD" else { return nil }
        return HubServer.Response(
          headers: [
            ("ETag", "\"\(Self.etag)\""), ("X-Linked-Size", "4000000000000000000"),
            ("Content-Length", "0"),
          ])
      }
    ) { hub, home in
      let error = await #expect(throws: HubError.self) { try await pull(hub, home) }
      guard case .noSpace(_, 4_000_000_000_000_000_000, _) = error else {
        Issue.record("\(error as Any)")
        return
      }
      #expect(hub.store.requests.isEmpty && error?.kind == .output)
    }
  }
}

/// What a pull told.
final class EventLog: Sendable {
  private let events = Locked<[PullEvent]>([])
  func add(_ event: PullEvent) { events { $0.append(event) } }
  var all: [PullEvent] { events { $0 } }
  var notes: [String] {
    all.compactMap { if case .note(let text) = $0 { text } else { nil } }
  }
  var waits: [String] {
    all.compactMap { if case .waiting(_, let reason) = $0 { reason } else { nil } }
  }
}
