import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

@Suite("Where the system gives little, the program ends in an error and never by a signal")
struct StrainTests {
  /// Small and in between: enough for the program to begin, too little to end, and enough.
  static let kilobytes =
    [0, 4_000, 14_000, 24_000, 70_000, 140_000, 340_000].map { least + $0 }

  /// The least with which the system can load the program: with less, nothing of it has begun that could answer.
  private static let least =
    (20...150).map { $0 * 2_000 }.first { limit in
      let run = try? Program.run(
        ["--version"], in: FileManager.default.temporaryDirectory.path,
        shell: "ulimit -v \(limit); exec \"$@\"")
      return [0, 71].contains(run?.code)
    } ?? 300_000

  @Test("little memory for a picture", arguments: kilobytes)
  func pictures(_ limit: Int) throws {
    try TinyModel.copied { model in
      let run = try model.draw("fox", shell: "ulimit -v \(limit); exec \"$@\"")
      #expect(run.code == 0 || run.code == 71, "\(limit): \(run.errors)")
      #expect(try model.written == (run.code == 0 ? ["picture.png"] : []))
      #expect(run.code == 0 || run.errors.hasPrefix("Error: out of memory"), "\(run.errors)")
    }
  }

  @Test("little memory for a look at a model", arguments: kilobytes)
  func inspection(_ limit: Int) throws {
    try TinyModel.copied { model in
      let run = try Program.run(
        ["inspect", model.path], in: model.out, shell: "ulimit -v \(limit); exec \"$@\"")
      #expect(run.code == 0 || run.code == 71, "\(limit): \(run.errors)")
    }
  }

  @Test(
    "large files of settings and weights that there is no memory for",
    arguments: ["tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json"])
  func largeFiles(_ name: String) throws {
    try TinyModel.copied { model in
      let isText = name.hasSuffix(".txt")
      let many = (isText ? "" : "{\"x\":[") + String(repeating: "1, ", count: 6 << 20)
      try Data(many.utf8).write(to: model.file(name))
      let shell = "ulimit -v \(Self.least + 70_000); exec \"$@\""
      let run = try model.draw("fox", shell: shell)
      #expect(run.code == 65 || run.code == 71, "\(name): \(run.errors)")
      #expect(run.errorLines.count == 1, "\(run.errors)")
    }
  }

  @Test("a small stack", arguments: [64, 128, 256])
  func stack(_ kilobytes: Int) throws {
    try TinyModel.copied { model in
      let shell = "ulimit -s \(kilobytes); exec \"$@\""
      #expect(try model.draw("(((a)))", shell: shell).code == 0)
      try model.replace(
        "model_index.json", "{",
        "{\"_deep\":" + String(repeating: "[", count: 60)
          + String(repeating: "]", count: 60) + ",")
      #expect(try model.draw("fox", shell: shell).code == 0)
    }
  }

  @Test("weights that become shorter while they are in use")
  func lostWeights() throws {
    try TinyModel.copied { model in
      let path = model.file("unet/diffusion_pytorch_model.safetensors").path
      // Biases of this type are used where they lie in the file.
      let file = try SafetensorsFile(path)
      let tensors = try file.names.map { name in
        (name, try #require(try file.tensor(name)).converted(to: .float32))
      }
      try SafetensorsFile.write(tensors, to: path)
      let run = try Program.run(
        ["image", "-m", model.path, "--steps", "1000", "-b", "100", "--json", "fox"],
        in: model.out, interruptedAt: "\"step\":2}"
      ) {
        #expect(truncate(path, 0) == 0)
      }
      #expect(run.code == 74, "\(run.code.map { "\($0)" } ?? "a signal"): \(run.errors)")
      #expect(run.errorLines.count == 1 && run.errors.contains("\(path): became shorter"))
      #expect(try model.written.isEmpty)
    }
  }

  @Test(
    "a pipe that nobody writes to, or a device without end, in place of any file",
    arguments: ["pipe", "/dev/zero"])
  func noFile(_ other: String) throws {
    try TinyModel.copied { model in
      let place = other == "pipe" ? model.root + "/pipe" : other
      if other == "pipe" { #expect(mkfifo(place, 0o600) == 0) }
      for option in ["--init", "--lora", "--like"] {
        expectError(try model.draw("fox", option, place), code: 66, [place, "not a file"], option)
      }
      expectError(try model.draw("@\(place)"), code: 66, [place], "prompt")
      for name in ["unet/config.json", "tokenizer/vocab.json", "text_encoder/model.safetensors"] {
        let file = model.file(name)
        let saved = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: place)
        expectError(try model.draw("fox"), code: 66, [name, "not a file"], name)
        try FileManager.default.removeItem(at: file)
        try saved.write(to: file)
      }
      let picture = model.out + "/a.png"
      try FileManager.default.createSymbolicLink(atPath: picture, withDestinationPath: place)
      if other == "pipe" {
        expectError(try model.draw("fox", "-o", picture), code: 73, [picture, "is a pipe"])
      }
      expectError(
        try Program.run(["inspect", picture], in: model.out), code: 66, [picture, "not a file"])
    }
  }

  @Test("a prompt may come through a pipe that is open")
  func promptThroughPipe() throws {
    try TinyModel.copied { model in
      let run = try model.draw("@/dev/stdin", shell: "echo a fox | \"$@\"")
      #expect(run.code == 0, "\(run.errors)")
    }
  }
}
