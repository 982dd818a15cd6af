import Foundation
import LanternPictures
import TestSupport
import Testing

/// What a server does in place of the program: the same files and words.
@Suite struct RemoteCommandTests {
  /// A port that is free now.
  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain -> Int in
        guard bind(descriptor, plain, length) == 0, getsockname(descriptor, plain, &length) == 0
        else { return 0 }
        return Int(UInt16(bigEndian: pointer.pointee.sin_port))
      }
    }
    return try #require(port > 0 ? port : nil)
  }

  /// Runs `body` while a server of small models listens.
  private static func withServer(
    in folder: String, _ more: [String] = [], _ body: @escaping (_ address: String) throws -> Void
  ) throws {
    let port = try freePort()
    let networks = folder + "/networks"
    try FileManager.default.createDirectory(
      atPath: networks, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: fixture("upscalers/compact_x2.safetensors"), toPath: networks + "/small.safetensors")
    let run = try Program.run(
      [
        "serve", "tiny=\(fixture("tiny_pipeline"))", "writer=\(fixture("language_folders/llama"))",
        "--port", "\(port)", "--json", "--store", "none", "--precision", "exact",
        "--upscaler-folder", networks,
      ] + more, in: folder, interruptedAt: "listening", signal: SIGTERM,
      interruption: { try body("http://127.0.0.1:\(port)") }, limit: 300)
    #expect(run.code == 0, "\(run.errors)")
  }

  private static func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test("a picture, a text and an enlargement are those that the program makes itself")
  func same() throws {
    try withTemporaryFolder { folder in
      func run(_ arguments: [String]) throws -> Program.Run {
        let run = try Program.run(arguments, in: folder)
        #expect(run.code == 0, "\(arguments): \(run.errors)")
        return run
      }
      let picture = ["image", "a fox", "--steps", "3", "-s", "7"]
      let exact = ["--precision", "exact"]
      _ = try run(picture + ["-m", fixture("tiny_pipeline"), "-o", "a.png"] + exact)
      let text = ["write", "the fox", "-n", "8", "-s", "5", "--xtc-probability", "0.5"]
      let written = try run(text + ["-m", fixture("language_folders/llama")] + exact)
      let larger = ["upscale", "a.png"]
      _ = try run(
        larger + ["large.png", "-m", fixture("upscalers/compact_x2.safetensors")] + exact)
      try Self.withServer(in: folder) { address in
        let there = ["--server", address]
        let drawn = try run(picture + ["-m", "tiny", "-o", "b.png", "--json"] + there)
        #expect(drawn.output.contains("\"event\":\"step\""))
        #expect(try Self.bytes(folder + "/a.png") == Self.bytes(folder + "/b.png"))
        _ = try run(
          [
            "image", "a fox", "-i", "a.png", "--strength", "0.5", "-s", "1", "--steps", "2", "-m",
            "tiny", "-o", "c.png",
          ] + there)
        #expect(try run(text + ["-m", "writer"] + there).output == written.output)
        _ = try run(larger + ["large-2.png", "-m", "small"] + there)
        #expect(try Self.bytes(folder + "/large.png") == Self.bytes(folder + "/large-2.png"))
        let several = try run(
          ["write", "a", "--count", "2", "-n", "4", "-s", "1", "-m", "writer"] + there)
        #expect(several.output.split(separator: "\n").count >= 2)
      }
    }
  }

  @Test(
    "LoRAs, embeddings, ControlNets and IP-Adapters are the server's, and the picture is the same")
  func named() throws {
    try withTemporaryFolder { folder in
      func run(_ arguments: [String]) throws {
        let run = try Program.run(
          ["image", "--steps", "3", "-s", "7", "--overwrite"] + arguments, in: folder)
        #expect(run.code == 0, "\(arguments): \(run.errors)")
      }
      let picture = repositoryPath("samples/fox.png")
      let cases: [(here: [String], there: [String])] = [
        (
          ["a fox", "--lora", fixture("lora/peft.safetensors") + ":0.7:te=0.4"],
          ["a fox", "--lora", "peft.safetensors:0.7:te=0.4"]
        ),
        (
          ["a fox <lora:peft:0.5>", "--lora-folder", fixture("lora")], ["a fox <lora:peft:0.5>"]
        ),
        (
          ["a kohya fox", "--embedding", fixture("textual_inversion/kohya.safetensors")],
          ["a kohya fox", "--embedding", "kohya"]
        ),
        (
          ["a fox", "--control", fixture("tiny_control/first") + ":canny:" + picture]
            + ["--control-strength", "0.6", "--control-end", "0.7"],
          ["a fox", "--control", "first:canny:" + picture]
            + ["--control-strength", "0.6", "--control-end", "0.7"]
        ),
        (
          ["a fox", "--image-prompt", fixture("tiny_ip_adapter/plain.safetensors") + ":" + picture]
            + ["--image-prompt-mask", picture],
          ["a fox", "--image-prompt", "plain:" + picture, "--image-prompt-mask", picture]
        ),
      ]
      let folders = [
        "--lora-folder", fixture("lora"), "--embedding-folder", fixture("textual_inversion"),
        "--control-folder", fixture("tiny_control"), "--image-prompt-folder",
        fixture("tiny_ip_adapter"),
      ]
      try run(["a fox", "-m", fixture("tiny_pipeline"), "--precision", "exact", "-o", "plain.png"])
      for (index, row) in cases.enumerated() {
        try run(
          row.here + ["-m", fixture("tiny_pipeline"), "--precision", "exact", "-o", "\(index).png"])
        let plain = try Picture(contentsOf: folder + "/plain.png")
        #expect(try Picture(contentsOf: folder + "/\(index).png") != plain, "\(row.here)")
      }
      try Self.withServer(in: folder, folders) { address in
        for (index, row) in cases.enumerated() {
          try run(row.there + ["-m", "tiny", "-o", "there-\(index).png", "--server", address])
          let (here, there) = (folder + "/\(index).png", folder + "/there-\(index).png")
          #expect(
            try Picture(contentsOf: here) == Picture(contentsOf: there), "\(row.there)")
        }
      }
    }
  }

  @Test("what a server refuses, or cannot be given, has the exit code that it has here")
  func refusals() throws {
    try withTemporaryFolder { folder in
      try Self.withServer(in: folder, ["--token", "secret"]) { address in
        func run(_ arguments: [String], _ token: String? = "secret") throws -> Program.Run {
          try Program.run(
            arguments + ["--server", address], in: folder,
            environment: token.map { ["LANTERN_TOKEN": $0] } ?? [:])
        }
        expectError(try run(["image", "fox"], nil), code: 64, ["token"])
        expectError(try run(["image", "fox", "-m", "none"]), code: 66, ["none", "tiny"])
        expectError(try run(["image", "fox", "--vae", "x.safetensors"]), code: 64, ["--vae"])
        for (arguments, words) in [
          (["--lora", "x.safetensors"], ["loras", "LoRA", "x.safetensors"]),
          (["--embedding", "x.pt"], ["settings.embeddings", "x.pt"]),
          (["--control", "x:\(repositoryPath("samples/fox.png"))"], ["ControlNet", "x"]),
          (["--image-prompt", "x:\(repositoryPath("samples/fox.png"))"], ["IP-Adapter", "x"]),
        ] {
          expectError(try run(["image", "fox", "-m", "tiny"] + arguments), code: 66, words)
        }
        expectError(
          try run(["write", "fox", "-m", "writer", "--draft", "x"]), code: 64, ["--draft"])
        expectError(
          try run(["image", "fox", "-m", "tiny", "--sampler", "none"]), code: 64, ["none"])
      }
    }
    let nobody = try Program.run(
      ["image", "fox", "--server", "http://127.0.0.1:9"], in: "/tmp")
    expectError(nobody, code: 69, ["http://127.0.0.1:9", "lantern serve"])
    let wrong = try Program.run(["image", "fox", "--server", "here"], in: "/tmp")
    expectError(wrong, code: 64, ["here"])
  }
}
