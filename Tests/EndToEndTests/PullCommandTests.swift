import Foundation
import LanternFormats
import LanternPlatform
import TestSupport
import Testing

@Suite("lantern pull, and models by their names") struct PullCommandTests {
  /// The tiny model of the fixtures as a repository.
  private static func tinyModel() throws -> FakeHub.Repository {
    let root = fixture("tiny_model")
    var repository = FakeHub.Repository(files: [:])
    for path in try FileManager.default.subpathsOfDirectory(atPath: root)
    where !FileSystem.isDirectory("\(root)/\(path)") {
      repository.files[path] = [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(path)")))
    }
    return repository
  }

  private func run(
    _ arguments: [String], _ hub: FakeHub?, _ home: String, _ more: [String: String] = [:]
  ) throws -> Program.Run {
    var variables = [
      "HF_HUB_DOWNLOAD_TIMEOUT": "60", "HF_HOME": home,
      "HF_ENDPOINT": hub?.hub.address ?? "http://127.0.0.1:9",
    ]
    for name in ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"] {
      variables[name] = ""
    }
    return try Program.run(
      arguments, in: home, environment: variables.merging(more) { _, new in new })
  }

  @Test(
    "a pulled model draws, is inspected, scheduled and converted by its name, and recipes say that")
  func byName() async throws {
    try await withHub(Self.tinyModel()) { hub, home in
      let pulled = try run(["pull", "me/tiny"], hub, home)
      let folder = "\(home)/hub/models--me--tiny/snapshots/\(FakeHub.commit)"
      #expect(pulled.code == 0 && pulled.output == "\(folder)\n", "\(pulled.errors)")
      #expect(pulled.errors.contains("me/tiny: licence not said, "))
      try await hub.stop()  // What follows has no network.
      let draw = ["image", "fox", "-m", "me/tiny", "--steps", "1", "--seed", "1"]
      let named = try run(draw + ["-o", "a.png", "--json"], nil, home)
      #expect(named.code == 0, "\(named.errors)")
      #expect(
        try named.events().last?["recipe"]?.object?["model"]?.string == "me/tiny",
        "\(named.output)")
      let direct = try run(
        [
          "image", "fox", "-m", fixture("tiny_model"), "--steps", "1", "--seed", "1", "-o", "b.png",
        ],
        nil, home)
      #expect(direct.code == 0)
      let again = try run(["image", "--like", "a.png", "-m", "me/tiny"], nil, home)
      #expect(again.code == 0 && again.errors.contains("identical to a.png"), "\(again.errors)")
      #expect(!again.errors.contains("note:"), "\(again.errors)")
      for arguments in [
        ["inspect", "me/tiny"], ["schedule", "-m", "me/tiny"],
        ["inspect", "me/tiny:unet/diffusion_pytorch_model.safetensors"],
        ["convert", "me/tiny", "converted"],
        ["image", "fox", "-m", "me/tiny", "--vae", "me/tiny:vae", "--steps", "1"],
      ] {
        let run = try run(arguments, nil, home)
        #expect(run.code == 0, "\(arguments): \(run.errors)")
      }
    }
  }

  @Test("a path that is there goes before a name on the hub")
  func pathsFirst() throws {
    try withTemporaryFolder { home in
      try FileSystem.makeFolder("\(home)/me")
      try FileManager.default.copyItem(atPath: fixture("tiny_model"), toPath: "\(home)/me/tiny")
      let run = try run(["schedule", "-m", "me/tiny"], nil, home)
      #expect(run.code == 0, "\(run.errors)")
    }
  }

  @Test(
    "a model that is not there is fetched by the command that the error names",
    arguments: [
      ["image", "fox", "-m", "me/none"], ["image", "fox", "--lora", "me/none:0.8"],
      ["image", "fox", "--vae", "me/none"], ["image", "fox", "--refiner", "me/none"],
      ["image", "fox", "--tiny-decoder", "me/none"], ["image", "fox", "--embedding", "me/none"],
      ["image", "fox", "--control", "me/none:a.png"], ["inspect", "me/none"],
      ["image", "fox", "--lora-folder", "me/none"], ["convert", "me/none", "out"],
      ["upscale", "a.png", "b.png", "--model", "me/none"], ["bench", "model", "-m", "me/none"],
    ])
  func missing(_ arguments: [String]) throws {
    try withTemporaryFolder { home in
      try FileManager.default.copyItem(
        atPath: repositoryPath("samples/fox.png"), toPath: "\(home)/a.png")
      expectError(
        try run(arguments, nil, home), code: 66, ["me/none: ", "lantern pull me/none fetches it"],
        "\(arguments)")
    }
  }

  @Test("a model of which one file was pulled says how to pull the rest")
  func incomplete() async throws {
    try await withHub(Self.tinyModel()) { hub, home in
      #expect(try run(["pull", "me/tiny:unet/config.json"], hub, home).code == 0)
      expectError(
        try run(["image", "fox", "-m", "me/tiny"], nil, home), code: 66,
        ["model_index.json", "(lantern pull me/tiny)"])
    }
  }

  @Test("each kind of failure has its exit code and one line")
  func exitCodes() async throws {
    try await withHub(Self.tinyModel()) { hub, home in
      expectError(try run(["pull", "tiny"], hub, home), code: 64, ["owner/name"])
      expectError(try run(["pull", "me/../x"], hub, home), code: 64, ["owner/name"])
      expectError(
        try run(["pull", "me/tiny@a", "--revision", "b"], hub, home), code: 64, ["given twice"])
      expectError(
        try run(["pull", "me/tiny", "--revision", "../x"], hub, home), code: 64, ["revision"])
      expectError(
        try run(["pull", "me/none"], hub, home), code: 66, ["me/none", "check the name"])
      expectError(
        try run(["pull", "me/tiny", "--variant", "fp16"], hub, home), code: 64,
        ["variant \"fp16\"", "fetch it without one"])
      expectError(
        try run(["pull", "me/tiny"], nil, home), code: 69,
        ["Connection refused", "check the connection"])
      expectError(
        try run(["pull", "me/tiny"], hub, home, ["HF_HUB_OFFLINE": "1"]), code: 66,
        ["HF_HUB_OFFLINE"])
      expectError(
        try run(["pull", "me/tiny"], hub, home, ["HF_ENDPOINT": "nowhere"]), code: 64,
        ["HF_ENDPOINT=nowhere"])
    }
    try await withHub(
      Self.tinyModel(), tamper: { _ in .text(429, "", [("Retry-After", "9999")]) }
    ) { hub, home in
      expectError(try run(["pull", "me/tiny"], hub, home), code: 75, ["busy", "in 9999 s"])
    }
  }

  @Test("events say what is fetched, for programs")
  func events() async throws {
    try await withHub(Self.tinyModel()) { hub, home in
      let events = try run(["pull", "\(hub.hub.address)/me/tiny", "--json"], hub, home).events()
      #expect(events.first?["event"]?.string == "found")
      let count = try #require(events.first?["files"]?.integer)
      #expect(events.filter { $0["event"]?.string == "file" }.count == count)
      let progress = events.filter { $0["event"]?.string == "progress" }
      #expect(progress.last?["bytes"] == progress.last?["of"] && !progress.isEmpty)
      #expect(events.last?["event"]?.string == "model" && events.last?["path"]?.string != nil)
    }
  }

  @Test("Ctrl-C leaves what came under a name of its own, from which the next pull goes on")
  func interruption() async throws {
    let large = bytes(40_000)
    let isSlow = Locked(true)
    let etag = FakeHub.etag("w.safetensors", large)
    try await withHub(
      FakeHub.Repository(files: ["w.safetensors": large]),
      tamper: { request in
        request.path.hasPrefix("/w.safetensors") && isSlow { $0 }
          ? HubServer.Response(body: large, stallsAfter: 10_000) : nil
      }
    ) { hub, home in
      let partial = "\(home)/hub/models--me--tiny/blobs/\(etag).incomplete"
      let stopped = try Program.run(
        ["pull", "me/tiny", "--json"], in: home,
        shell: "\"$@\" & until [ \"$(wc -c < '\(partial)')\" = 10000 ]; do sleep 0.05; done; "
          + "kill -INT $!; wait $!",
        environment: ["HF_HOME": home, "HF_ENDPOINT": hub.hub.address])
      #expect(stopped.code == 130 && stopped.errors.contains("stopped"), "\(stopped.errors)")
      let left = try entries(of: "\(home)/hub").keys.filter { !$0.hasPrefix(".locks") }
      #expect(Set(left) == ["CACHEDIR.TAG", "models--me--tiny/blobs/\(etag).incomplete"])
      isSlow { $0 = false }
      #expect(try run(["pull", "me/tiny"], hub, home).code == 0)
      #expect(hub.store.requests.last?.header("range") == "bytes=10000-")
    }
  }
}
