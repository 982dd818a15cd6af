import Foundation
import TestSupport
import Testing

/// What is written is tested in ModelConversionTests.
@Suite("lantern convert") struct ConvertCommandTests {
  private let model = fixture("single_file/sd1")

  @Test(
    "a target is a file that ends in .safetensors, whatever its case, or a folder, and no other file",
    arguments: [
      ("one.ckpt", false), ("one.safetensor", false), ("one.bin", false), ("", false),
      ("ONE.SAFETENSORS", true), ("two", true),
    ])
  func targets(target: String, isTaken: Bool) throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(["convert", model, target], in: folder)
      #expect(run.code == (isTaken ? 0 : 64), "\(run.errors)")
      let found = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(found == (isTaken ? [target] : []))
    }
  }

  @Test("a text encoder of fewer tokens than CLIP's is noted where CLIP's tokenizer is written")
  func vocabulary() throws {
    try withTemporaryFolder { folder in
      let file = fixture("single_file/sd1.ckpt")
      let run = try Program.run(["convert", file, "two"], in: folder)
      #expect(
        run.code == 0 && run.errors.contains("text_encoder knows 522 tokens"), "\(run.errors)")
      let own = try Program.run(
        ["convert", file, "own", "--tokenizer", model + "/tokenizer"], in: folder)
      #expect(own.code == 0 && !own.errors.contains("knows"), "\(own.errors)")
    }
  }

  @Test("a default size that one file cannot say is noted with both, the usual one is not")
  func size() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(["convert", model, "one.safetensors"], in: folder)
      #expect(
        run.errors.contains("sample_size of unet is 8, and readers of one file assume 64"),
        "\(run.errors)")
      let copy = folder + "/model"
      try FileManager.default.copyItem(atPath: model, toPath: copy)
      let config = URL(fileURLWithPath: copy + "/unet/config.json")
      try String(contentsOf: config, encoding: .utf8)
        .replacing("\"sample_size\": 8", with: "\"sample_size\": 64")
        .write(to: config, atomically: true, encoding: .utf8)
      let usual = try Program.run(["convert", copy, "two.safetensors"], in: folder)
      #expect(usual.code == 0 && !usual.errors.contains("default size"), "\(usual.errors)")
    }
  }

  @Test("a file that is there is replaced with --overwrite alone, which the error names")
  func overwriting() throws {
    try withTemporaryFolder { folder in
      try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/a.safetensors"))
      let arguments = ["convert", model, "a.safetensors"]
      let run = try Program.run(arguments, in: folder)
      #expect(run.code == 73 && run.errors.contains("(--overwrite replaces it)"), "\(run.errors)")
      #expect(try String(contentsOfFile: folder + "/a.safetensors", encoding: .utf8) == "mine")
      #expect(try Program.run(arguments + ["--overwrite"], in: folder).code == 0)
    }
  }

  @Test("an error names the folder that was asked for, not the one it is written under at first")
  func partial() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        ["convert", fixture("single_file/sd1.ckpt"), "two"], in: folder,
        shell: "ulimit -f 8; trap '' XFSZ; exec \"$@\"")
      #expect(run.code == 73 && run.errors.contains("two/"), "\(run.errors)")
      #expect(!run.errors.contains(".partial"), "\(run.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test("shipped models go by their names, and defaults that no folder of diffusers has are noted")
  func names() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(["convert", "picturebook", "copy"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("lantern.json is left out"), "\(run.errors)")
      #expect(FileManager.default.fileExists(atPath: folder + "/copy/unet/config.json"))
    }
  }
}
