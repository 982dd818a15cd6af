import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Tags of LoRAs in prompts, and the folder that they are found in.
@Suite struct LoRAFolderTests {
  /// A folder with LoRAs under some names, and one within it.
  private func withFolder(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.createDirectory(atPath: "\(folder)/styles", withIntermediateDirectories: false)
      try manager.copyItem(
        atPath: fixture("lora/kohya.safetensors"), toPath: "\(folder)/Ink Wash.safetensors")
      for name in ["styles/older.safetensors", "older.v2.safetensors", "styles/twice.pt"] {
        try manager.copyItem(
          atPath: fixture("lora/older.safetensors"), toPath: "\(folder)/\(name)")
      }
      try "".write(toFile: "\(folder)/notes.txt", atomically: false, encoding: .utf8)
      try manager.copyItem(
        atPath: fixture("lora/peft_folders/alpha"), toPath: "\(folder)/styles/alpha")
      try body(folder)
    }
  }

  private func taken(_ prompt: String, _ folder: String) throws -> (
    prompt: String, loras: [LoRA], notes: [String]
  ) {
    var request = ImageRequest(prompt: prompt)
    let (loras, notes) = try request.takeLoRAs(from: LoRAFolder(folder))
    return (request.prompt, loras, notes)
  }

  @Test("tags name files of the folder and of those within it, and are taken out of the prompt")
  func names() throws {
    try withFolder { folder in
      for (name, file) in [
        ("Ink Wash", "Ink Wash.safetensors"), ("ink wash", "Ink Wash.safetensors"),
        ("Ink Wash.safetensors", "Ink Wash.safetensors"), ("older", "styles/older.safetensors"),
        ("styles/older", "styles/older.safetensors"), ("older.v2", "older.v2.safetensors"),
        ("twice", "styles/twice.pt"), ("alpha", "styles/alpha"),
      ] {
        let found = try taken("a <lora:\(name):0.5>fox", folder)
        #expect(found.prompt == "a fox")
        #expect(found.loras == [LoRA("\(folder)/\(file)", strength: 0.5)], "\(name)")
        #expect(found.notes.isEmpty)
      }
      // The request's negative prompt and a literal prompt stay as they are.
      var request = ImageRequest(prompt: "a fox<lora:older:1>")
      request.literalPrompt = true
      #expect(try request.takeLoRAs(from: LoRAFolder(folder)).loras.isEmpty)
      #expect(request.prompt == "a fox<lora:older:1>")
    }
  }

  @Test(
    "strengths are read as stable-diffusion-webui reads them",
    arguments: [
      ("", 1, nil), (":0.8", 0.8, nil), (":-0.5", -0.5, nil), (":0.5:0.8", 0.8, 0.5),
      (":0.8:0.8", 0.8, nil), (":te=0.5:unet=0.8", 0.8, 0.5), (":0.8:te=0", 0, nil),
      (":unet=0.5", 0.5, 1), (":", 1, nil),
    ] as [(String, Float, Float?)])
  func strengths(arguments: String, own: Float, text: Float?) throws {
    try withFolder { folder in
      let found = try taken("<lora:older\(arguments)>", folder)
      #expect(
        found.loras == [
          LoRA("\(folder)/styles/older.safetensors", strength: own, textEncoderStrength: text)
        ])
      #expect(found.notes.count == (text == nil ? 0 : 1), "\(found.notes)")
    }
  }

  @Test("what a tag says in addition is noted, and a strength that is no number is an error")
  func unread() throws {
    try withFolder { folder in
      let found = try taken("<lora:older:1:1:8:lbw=ALL> <hypernet:h:1> fox", folder)
      #expect(found.notes.count == 1 && found.notes[0].contains("8, lbw=ALL has no effect"))
      #expect(found.prompt == "fox<hypernet:h:1>")
      for text in ["much", "nan", "0.5:much", "te=x"] {
        #expect {
          try taken("<lora:older:\(text)>", folder)
        } throws: {
          "\($0)".contains("<lora:older:\(text)>") && "\($0)".contains(":0.8>")
        }
      }
    }
  }

  @Test("a name that is not there is an error with the nearest one, and a double one says where")
  func missing() throws {
    try withFolder { folder in
      func complaint(_ name: String) -> String {
        do {
          _ = try taken("<lora:\(name):1>", folder)
          return ""
        } catch {
          return "\(error)"
        }
      }
      #expect(complaint("ink was").contains("did you mean \"Ink Wash\"?"))
      #expect(complaint("landscape").contains("alpha, older, older.v2, twice"))
      try FileManager.default.copyItem(
        atPath: "\(folder)/styles/older.safetensors", toPath: "\(folder)/older.safetensors")
      #expect(complaint("older").contains("older.safetensors, styles/older.safetensors"))
      #expect(complaint("styles/older") == "")
      // Recipes say as much of the path as finds the same file again.
      for name in ["older.safetensors", "styles/older.safetensors"] {
        let lora = try #require(try taken("<lora:\(name):0.5>", folder).loras.first)
        #expect(lora.label == "\(name):0.5" && lora.path == "\(folder)/\(name)")
      }
      #expect(try taken("<lora:styles/twice:1>", folder).loras.map(\.label) == ["twice.pt:1.0"])
      #expect(throws: FormatError.self) { try LoRAFolder("\(folder)/none") }
    }
  }

  @Test("one file twice adds up, and the tags of a prompt draw what the same LoRAs draw")
  func twice() throws {
    try withFolder { folder in
      let (_, loras, _) = try taken(
        "<lora:Ink Wash:0.5><lora:older:0.125><lora:older:0.125>", folder)
      #expect(loras.count == 3)
      try expectDrawn(loras, "both")
    }
  }

  @Test("labels of recipes keep both strengths")
  func labels() throws {
    for lora in [
      LoRA("a/x.safetensors", strength: 0.5), LoRA("x:y.pt", strength: -1, textEncoderStrength: 0),
      LoRA("x.pt", strength: 0.25, textEncoderStrength: 0.25),
    ] {
      let parts = LoRA.parts(of: lora.label)
      #expect(parts.path == lora.name && parts.strength == lora.strength)
      #expect(parts.text ?? parts.strength == lora.textEncoderStrength ?? lora.strength)
    }
    #expect(LoRA.parts(of: "a:b") == LoRA.Parts(path: "a:b"))
    #expect(LoRA.parts(of: "x.pt:te=0.5") == LoRA.Parts(path: "x.pt", text: 0.5))
  }
}
