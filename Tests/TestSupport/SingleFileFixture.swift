package import LanternFormats
package import LanternTensor

/// A small model of random weights as a folder, and the tensors of the same model in one file with the
/// names of the original code: tools/fixtures/single_file.py.
package struct SingleFileFixture {
  /// Tensors by name.
  package typealias Tensors = [(name: String, tensor: Tensor)]

  /// The folder.
  package let folder: String
  private let rows: [[JSONValue]]

  /// - Parameter name: `sd1`, `sd2`, `sdxl`, `refiner` or `distilled`.
  /// - Throws: `FormatError` without the fixture.
  package init(_ name: String) throws {
    folder = fixture("single_file/\(name)")
    rows = (try JSON.read("\(folder)/layout.json").array ?? []).compactMap(\.array)
  }

  /// Its tokenizer, which has fewer tokens than CLIP's.
  package var tokenizer: String {
    "\(folder)/tokenizer\(parts.contains("text_encoder") ? "" : "_2")"
  }

  /// The names of its parts with weights.
  package var parts: [String] { Set(rows.compactMap { $0[1].string }).sorted() }

  /// The tensors of a part's folder.
  package func part(_ name: String) throws -> any TensorFile {
    let stem = name.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
    return try SafetensorsFile("\(folder)/\(name)/\(stem).safetensors")
  }

  /// The tensors of the file.
  package func tensors() throws -> Tensors {
    var parts: [String: any TensorFile] = [:]
    return try rows.compactMap { row in
      guard row.count == 4, let name = row[0].string, let part = row[1].string,
        let sources = row[2].array?.compactMap(\.string), let how = row[3].string
      else { return nil }
      let file = try parts[part] ?? self.part(part)
      parts[part] = file
      let found = try sources.compactMap { try file.tensor($0) }
      return try (name, Self.made(of: found, how))
    }
  }

  private static func made(of found: [Tensor], _ how: String) throws -> Tensor {
    let first = found[0]
    switch how {
    case "joined": return try Tensor.concatenated(found, axis: 0)
    case "transposed": return try first.permuted([1, 0]).contiguous()
    case "pixel": return try first.reshaped(first.shape + [1, 1])
    case "square":
      let count = first.elementCount
      return try Tensor(repeating: 0, shape: [count, count]).converted(to: first.dtype)
    default: return first
    }
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - path: where to.
  ///   - metadata: texts that go with it.
  ///   - change: what is done to the tensors before.
  /// - Throws: what reading, changing and writing throw.
  package func write(
    to path: String, metadata: [String: String] = [:],
    changing change: (inout Tensors) throws -> Void = { _ in }
  ) throws {
    var tensors = try tensors()
    try change(&tensors)
    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
  }
}
