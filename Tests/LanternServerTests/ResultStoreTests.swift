import Foundation
import Lantern
import LanternFormats
import LanternPictures
import LanternServer
import NIOHTTP1
import TestSupport
import Testing

/// What was drawn outlives the server.
@Suite struct ResultStoreTests {
  private static func add(
    _ server: RunningServer, _ prompt: String, steps: Int = 1
  ) async throws -> String {
    let settings: JSONValue = .object(["prompt": .string(prompt), "steps": .integer(steps)])
    let job = try await server.post("/jobs", .object(["settings": settings]))
    return try #require(job["id"]?.string, "\(job.text)")
  }

  private static func draw(_ server: RunningServer, _ prompt: String) async throws -> String {
    let id = try await add(server, prompt)
    _ = try await server.get("/jobs/\(id)/events")
    return id
  }

  @Test("after a restart pictures are there, and what was not finished is interrupted")
  func restart() async throws {
    try await withTemporaryFolder { (folder: String) async throws in
      var (drawn, left, bytes) = ("", "", [UInt8]())
      try await RunningServer.with({ $0.store = folder + "/store" }) { server in
        drawn = try await Self.draw(server, "a fox")
        bytes = try await server.get("/files/\(drawn)/0.png").bytes
        left = try await Self.add(server, "an owl", steps: 1000)
        // The store is this server's.
        var second = ServerConfiguration()
        second.store = folder + "/store"
        #expect(throws: FormatError.inUse(path: folder + "/store")) {
          _ = try Server(second) { _ in }
        }
      }
      try await RunningServer.with({ $0.store = folder + "/store" }) { server in
        let job = try await server.get("/jobs/\(drawn)")
        #expect(job["state"] == "done" && job["pictures", "0", "recipe", "prompt"] == "a fox")
        #expect(try await server.get("/files/\(drawn)/0.png").bytes == bytes)
        let jpeg = try await server.get("/files/\(drawn)/0.jpeg")
        #expect(jpeg.headers.first(name: "content-type") == "image/jpeg" && jpeg.status == 200)
        let events = try await server.get("/jobs/\(drawn)/events").events
        #expect(events.map { $0.object?["event"] } == ["picture", "done"])
        #expect(try await server.get("/jobs/\(left)")["state"] == "interrupted")
      }
    }
  }

  @Test("nobody else can read a store: a folder that is made, and a database that lay open")
  func permissions() async throws {
    func mode(_ path: String) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      return try #require(attributes[.posixPermissions] as? Int)
    }
    try await withTemporaryFolder { (folder: String) async throws in
      let store = folder + "/store"
      for _ in 0..<2 {
        try await RunningServer.with({ $0.store = store }) { server in
          _ = try await Self.draw(server, "a fox")
          #expect(try mode(store) == 0o700)
          for file in try FileManager.default.contentsOfDirectory(atPath: store) {
            #expect(try mode(store + "/" + file) == 0o600, "\(file)")
          }
        }
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o644], ofItemAtPath: store + "/results.sqlite")
      }
    }
  }

  @Test("jobs are found by their prompts, page by page, and removed")
  func finding() async throws {
    try await RunningServer.with { server in
      var ids: [String] = []
      for prompt in ["a fox", "an owl", "a red FOX", "50% of a_fox"] {
        ids.append(try await Self.draw(server, prompt))
      }
      func found(_ query: String) async throws -> [String] {
        let list = try await server.get("/jobs?\(query)")
        return try #require(list["jobs"]?.array, "\(list.text)").map {
          $0.object?["id"]?.string ?? ""
        }
      }
      #expect(try await found("search=fox") == [ids[3], ids[2], ids[0]])
      #expect(try await found("search=a_fox") == [ids[3]])
      #expect(try await found("search=0%25") == [ids[3]])
      #expect(try await found("limit=2&offset=1") == [ids[2], ids[1]])
      #expect(try await server.get("/jobs?limit=0").status == 400)
      _ = try await server.call(.DELETE, "/jobs/\(ids[2])", nil)
      #expect(try await found("") == [ids[3], ids[1], ids[0]])
      #expect(try await server.get("/files/\(ids[2])/0.png").status == 404)
    }
  }

  @Test("the oldest pictures give way to new ones")
  func limit() async throws {
    try await RunningServer.with({ $0.keptPictures = 2 }) { server in
      var ids: [String] = []
      for prompt in ["one", "two", "three"] { ids.append(try await Self.draw(server, prompt)) }
      let jobs = try await server.get("/jobs")["jobs"]?.array
      #expect(jobs?.map { $0.object?["id"]?.string } == [ids[2], ids[1]])
    }
  }

  @Test("a store that is no database is an error, and stays as it is")
  func damaged() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/results.sqlite"
      let text = String(repeating: "this is no database. ", count: 100)
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      var configuration = ServerConfiguration()
      configuration.store = folder
      #expect {
        _ = try Server(configuration) { _ in }
      } throws: {
        "\($0)".contains(path) && "\($0)".contains("not a database")
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }
}
