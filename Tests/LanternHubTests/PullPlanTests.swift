import Foundation
import Lantern
import LanternFormats
import LanternHub
import LanternPlatform
import TestSupport
import Testing

/// Held to what diffusers and huggingface_hub do; tools/fixtures/hub.py runs them.
@Suite("What is pulled, and how it lies in the cache", .serialized) struct PullPlanTests {
  private static func content(_ path: String, _ index: String) -> [UInt8] {
    path == "model_index.json"
      ? Array(index.utf8)
      : Array(String(repeating: "the bytes of \(path)", count: 20).utf8)
  }

  private struct Reference {
    let json: [String: JSONValue]
    let index: String

    init() throws {
      json = try #require(JSON.read(fixture("hub.json")).object)
      index = try #require(json["index"]?.string)
    }

    func repository(_ name: String) throws -> FakeHub.Repository {
      let names = try #require(json["files"]?.object?[name]?.array).compactMap(\.string)
      var repository = FakeHub.Repository(files: [:])
      for path in names + ["model_index.json"] {
        repository.files[path] = PullPlanTests.content(path, index)
      }
      return repository
    }
  }

  @Test("the files are those that diffusers takes, of each kind of repository and each variant")
  func plans() async throws {
    let reference = try Reference()
    let plans = try #require(reference.json["plans"]?.array)
    #expect(plans.count > 15)
    for plan in plans.compactMap(\.object) {
      let name = try #require(plan["repository"]?.string)
      let variant = plan["variant"]?.string
      try await withHub(reference.repository(name)) { hub, home in
        let client = try hub.client(home)
        let model = try #require(HubReference("me/tiny"))
        guard let taken = plan["taken"]?.array else {
          let error = await #expect(throws: HubError.self) {
            try await client.pull(model, variant: variant)
          }
          guard case .noVariant? = error else {
            Issue.record("\(name) \(variant ?? ""): \(error as Any)")
            return
          }
          return
        }
        let folder = try await client.pull(model, variant: variant)
        #expect(
          try entries(of: folder).keys.sorted() == taken.compactMap(\.string).sorted(),
          "\(name) \(variant ?? "")")
      }
    }
  }

  @Test("the cache has the files, links and texts that huggingface_hub leaves there")
  func layout() async throws {
    let reference = try Reference()
    let expected = try #require(reference.json["layout"]?.object).compactMapValues(\.string)
    try await withHub(reference.repository("plain")) { hub, home in
      let client = try hub.client(home)
      for path in [
        "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
      ] {
        _ = try await client.pull(try #require(HubReference("me/tiny:\(path)")))
      }
      let none = try #require(HubReference("me/tiny:unet/none.json"))
      await #expect(throws: HubError.self) { try await client.pull(none) }
      var found: [String: String] = [:]
      for (name, text) in try entries(of: "\(home)/hub") {
        // The repository is called otherwise there, and each program names itself in the tag.
        found[name.replacing("models--me--tiny", with: "models--me--plain")] =
          name == "CACHEDIR.TAG" ? String(text.prefix { $0 != "\n" }) : text
      }
      #expect(found == expected)
    }
  }

  @Test("a component, an adapter, one file and a folder are pulled with what belongs to them")
  func components() async throws {
    let cases: [(files: [String], name: String, taken: [String]?)] = [
      (
        [
          "config.json", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin",
          "README.md", "diffusion_pytorch_model.fp16.safetensors", "other.safetensors",
        ], "", ["config.json", "diffusion_pytorch_model.safetensors"]
      ),
      (
        ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"], "",
        ["adapter_config.json", "adapter_model.safetensors"]
      ),
      (["style.safetensors", "style.pt", "README.md"], "", ["style.safetensors"]),
      (["learned_embeds.bin", "concept/1.jpeg"], "", ["learned_embeds.bin"]),
      (["a.safetensors", "b.safetensors"], "", nil), (["README.md"], "", nil),
      (["a.safetensors", "b.safetensors"], ":b.safetensors", ["b.safetensors"]),
      (
        ["unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json"],
        ":unet",
        ["unet/config.json", "unet/diffusion_pytorch_model.safetensors"]
      ),
      (
        ["tokenizer/vocab.json", "tokenizer/merges.txt", "x.bin"], ":tokenizer",
        ["tokenizer/merges.txt", "tokenizer/vocab.json"]
      ),
    ]
    for (files, name, taken) in cases {
      let repository = FakeHub.Repository(
        files: Dictionary(uniqueKeysWithValues: files.map { ($0, Self.content($0, "")) }))
      try await withHub(repository) { hub, home in
        let client = try hub.client(home)
        let reference = try #require(HubReference("me/tiny\(name)"))
        guard let taken else {
          await #expect(throws: HubError.self) { try await client.pull(reference) }
          return
        }
        let path = try await client.pull(reference)
        let folder = "\(home)/hub/models--me--tiny/snapshots/\(FakeHub.commit)"
        #expect(try entries(of: folder).keys.sorted() == taken, "\(files)")
        let isFile = taken.count == 1
        #expect(
          path == (isFile ? "\(folder)/\(taken[0])" : folder + name.replacing(":", with: "/")))
        #expect(HubCache(root: "\(home)/hub").path(of: reference) == path)
      }
    }
  }

  @Test("a branch's name is moved at the end, and a commit has none")
  func revisions() async throws {
    var repository = FakeHub.Repository(files: ["w.safetensors": bytes(10)])
    repository.revision = "refs/pr/1"
    try await withHub(repository) { hub, home in
      let client = try hub.client(home)
      let folder = "\(home)/hub/models--me--tiny"
      let commit = try #require(HubReference("me/tiny@\(FakeHub.commit):w.safetensors"))
      _ = try await client.pull(commit)
      #expect(!FileSystem.exists("\(folder)/refs"))
      let branch = try #require(HubReference("me/tiny@refs/pr/1:w.safetensors"))
      let path = try await client.pull(branch)
      #expect(
        try FileSystem.read("\(folder)/refs/refs/pr/1", limit: 100) == Array(FakeHub.commit.utf8))
      #expect(hub.hub.requests.contains { $0.path.hasSuffix("/revision/refs%2Fpr%2F1") })
      let cache = HubCache(root: "\(home)/hub")
      #expect(cache.path(of: branch) == path && cache.path(of: commit) == path)
    }
  }

  @Test("names of files are encoded on their way, slashes kept")
  func encoding() async throws {
    let name = "a b/ü#?%.safetensors"
    let repository = FakeHub.Repository(files: [name: bytes(10)])
    try await withHub(
      repository,
      tamper: { request in
        // The list is the hub's, the file is served by it too.
        guard request.path.contains("/resolve/") else { return nil }
        let body = bytes(10)
        return HubServer.Response(
          headers: [("ETag", "\"\(FakeHub.etag(name, body))\"")], body: body)
      }
    ) { hub, home in
      _ = try await hub.client(home).pull(try #require(HubReference("me/tiny")))
      #expect(
        hub.hub.requests.last?.path
          == "/me/tiny/resolve/\(FakeHub.commit)/a%20b/%C3%BC%23%3F%25.safetensors")
    }
  }

  @Test("the licence is told as the model's card has it")
  func licence() async throws {
    for (extra, licence) in [
      (["cardData": JSONValue.object(["license": "openrail++"])], "openrail++"),
      (["tags": JSONValue.array(["x", "license:mit"])], "mit"),
      (
        ["cardData": JSONValue.object(["license": "other", "license_name": "special"])], "special"
      ), ([:], nil as String?),
    ] {
      var repository = FakeHub.Repository(files: ["w.safetensors": bytes(10)])
      repository.extra = extra
      try await withHub(repository) { hub, home in
        let events = EventLog()
        _ = try await hub.client(home).pull(try #require(HubReference("me/tiny"))) {
          events.add($0)
        }
        guard case .found(_, let found, 1, 10, 10)? = events.all.first else {
          Issue.record("\(events.all)")
          return
        }
        #expect(found == licence)
      }
    }
  }
}
