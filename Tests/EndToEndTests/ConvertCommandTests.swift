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

  @Test("shipped models go by their names")
  func names() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(["convert", "picturebook", "copy"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(FileManager.default.fileExists(atPath: folder + "/copy/unet/config.json"))
    }
  }
}
