import LanternFormats
import TestSupport
import Testing

/// Files of kinds that are known and not read.
@Suite struct FileKindTests {
  private static let zip: [UInt8] = Array("PK\u{3}\u{4}".utf8) + Array(repeating: 0, count: 22)

  private static func archive(_ first: String) -> [UInt8] {
    zip + [UInt8(first.utf8.count), 0, 0, 0] + Array(first.utf8)
  }

  /// Bytes of each kind, a name, and what is said.
  static let kinds: [(bytes: [UInt8], name: String, said: String)] = [
    (Array("ggjt".utf8.reversed()) + [3, 0, 0, 0], "a.bin", "is a GGML file"),
    ([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "a.h5", "is an HDF5 file"),
    ([0x93] + Array("NUMPY".utf8), "a.npy", "is a NumPy array"),
    (archive("arr_0.npy"), "a.npz", "is an archive of NumPy arrays"),
    (archive("[Content_Types].xml"), "a.zip", "is a ZIP archive"),
    ([8, 7, 0x12, 7] + Array("pytorch".utf8), "a.onnx", "is an ONNX model"),
    ([8, 7, 0x12, 7] + Array("pytorch".utf8), "a.bin", "is an ONNX model"),
    ([8, 1, 0x12, 0x80, 9, 10], "saved_model.pb", "is a TensorFlow model"),
    ([0x1C, 0, 0, 0] + Array("TFL3".utf8), "a.tflite", "is a TensorFlow Lite model"),
    (Array("<?xml version=\"1.0\"?>\n<net name=\"a\">".utf8), "a.xml", "is an OpenVINO model"),
    ([0x83, 0xA4] + Array("unet".utf8), "a.msgpack", "is a Flax checkpoint"),
    ([0xDE, 0, 20, 0xA4] + Array("unet".utf8), "a.msgpack", "is a Flax checkpoint"),
    ([0x80, 4, 0x95, 0], "a.ckpt", "is a Python pickle; convert it"),
    (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "a.bin", "is a Git LFS pointer"),
    (Array("<!DOCTYPE html>".utf8), "a.safetensors", "is a web page"),
    ([0x1F, 0x8B, 8, 0], "a.gz", "is packed by gzip"),
    ([0x28, 0xB5, 0x2F, 0xFD], "a.zst", "is packed by Zstandard"),
    (Array(repeating: 0, count: 257) + Array("ustar".utf8), "a.tar", "is a tar archive"),
    (Array("PAR1".utf8), "a.parquet", "is a Parquet table"),
  ]

  @Test("each reader of weights names the kind", arguments: kinds.indices)
  func readers(index: Int) throws {
    let (bytes, name, said) = Self.kinds[index]
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      try AtomicFile.write(bytes, to: path)
      func error(_ body: () throws -> Void) -> String {
        do {
          try body()
          return ""
        } catch {
          return "\(error)"
        }
      }
      for message in [
        error { _ = try openTensorFile(path) }, error { _ = try SafetensorsFile(path) },
        error { _ = try TorchFile(path) }, error { _ = try ModelFolder(path) },
      ] { #expect(message.hasPrefix("\(path): \(said)"), "\(message)") }
      #expect(FileKind.refusal(at: path)?.hasPrefix(said) == true)
    }
  }

  @Test("what is read is not refused, and what is not there is not named")
  func others() throws {
    for name in ["plain.pt", "nested.pt", "old.pt", "plain.safetensors"].map({ "torch_file/\($0)" })
    {
      #expect(FileKind.refusal(at: fixture(name)) == nil)
      #expect(try openTensorFile(fixture(name)).names.count == 13)
    }
    #expect(FileKind.refusal(at: "/nowhere") == nil)
    #expect(throws: FormatError.self) { try openTensorFile("/nowhere") }
    #expect(throws: FormatError.notAFile(path: "/dev/zero")) { try openTensorFile("/dev/zero") }
  }

  @Test(
    "a safetensors file is one whatever its header's length looks like", arguments: [0x80, 0x8B1F])
  func lengths(length: Int) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let tensor = #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#
      let filled =
        "{\(tensor)" + String(repeating: " ", count: length - tensor.utf8.count - 2) + "}"
      let count = [UInt8(length & 255), UInt8(length >> 8)] + Array(repeating: 0, count: 6)
      try AtomicFile.write(count + Array(filled.utf8) + [5], to: path)
      #expect(try openTensorFile(path).names == ["a"])
      #expect(FileKind.refusal(at: path) == nil)
    }
  }

  @Test(
    "a file of tensors is known by their names",
    arguments: [
      (
        ["model.diffusion_model.input_blocks.0.0.weight", "cond_stage_model.x"], "Diffusion 1 or 2"
      ),
      (["model.diffusion_model.out.2.bias", "conditioner.embedders.0.x"], "Diffusion XL"),
      (["model.diffusion_model.joint_blocks.0.x"], "Diffusion 3"),
      (["double_blocks.0.img_attn.qkv.weight"], "FLUX"),
      (["first_stage_model.encoder.x"], "autoencoder in the names of the original"),
      (["lora_unet_input_blocks_1_1_proj_in.alpha"], "LoRA in the names of the original code"),
      (["lora_unet_mid_block_attentions_0_proj_in.alpha"], "LoRA in kohya's names"),
      (["unet.mid_block.x.lora_A.weight"], "LoRA in PEFT's or diffusers' names"),
      (["conv_in.weight", "down_blocks.0.x", "up_blocks.0.x"], "U-Net in diffusers' names"),
      (["emb_params"], "textual inversion"), (["control_model.x"], "ControlNet"),
      (["model.layers.0.self_attn.q_proj.weight"], "language model"),
    ] as [([String], String)])
  func checkpoints(names: [String], said: String) {
    let kind = CheckpointKind(names: names)
    #expect(kind?.name.contains(said) == true)
    #expect(CheckpointKind(names: ["nothing.weight"]) == nil)
  }

}
