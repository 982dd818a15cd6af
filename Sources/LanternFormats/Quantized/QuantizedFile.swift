import LanternTensor

/// The tensors of a checkpoint of which some together are quantized matrices, each decoded when it is read.
struct QuantizedFile: TensorFile {
  private let archive: TensorArchive
  private let matrices: [String: QuantizedMatrix]
  let names: [String]

  /// - Parameters:
  ///   - archive: what holds the bytes.
  ///   - matrices: by name.
  ///   - parts: names of the tensors that matrices are made of.
  init(_ archive: TensorArchive, _ matrices: [String: QuantizedMatrix], of parts: Set<String>) {
    self.archive = archive
    self.matrices = matrices
    names =
      archive.names.filter { !parts.contains($0) && matrices[$0] == nil } + matrices.keys.sorted()
  }

  var path: String { archive.origin }
  var metadata: [String: String] { archive.metadata }
  var byteCount: Int { archive.byteCount }

  func info(_ name: String) -> (dtype: String, shape: [Int])? {
    matrices[name].map { ($0.type, $0.shape) } ?? archive.info(name)
  }

  func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let matrix = matrices[name] else { return try archive.tensor(name) }
    switch try matrix.make() {
    case .tensor(let tensor): return tensor
    case .blocks(let blocks):
      do {
        return try blocks.tensor()
      } catch {
        throw .tensor(error)
      }
    }
  }

  func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let matrix = matrices[name] else { return try archive.blocks(name) }
    guard GGMLType.named(matrix.type)?.format?.packedForm != nil,
      case .blocks(let blocks) = try matrix.make()
    else { return nil }
    return blocks
  }

  func releasePages() { archive.releasePages() }
}

/// A matrix that several tensors of a checkpoint are together.
struct QuantizedMatrix: Sendable {
  /// `[output, input]`.
  let shape: [Int]
  /// What it is decoded to, as safetensors calls elements or ggml blocks.
  let type: String
  /// Decodes it.
  let make: @Sendable () throws(FormatError) -> Contents

  /// What it is decoded to.
  enum Contents: Sendable {
    case tensor(Tensor)
    case blocks(StoredTensor)
  }

  /// A matrix of elements, decoded by a closure.
  init(
    _ shape: [Int], as dtype: DType, _ make: @escaping @Sendable () throws(FormatError) -> Tensor
  ) {
    self.shape = shape
    type = ElementType.of(dtype)?.name ?? ""
    self.make = { () throws(FormatError) in .tensor(try make()) }
  }

  /// A matrix in blocks of a type of ggml's.
  init(
    _ shape: [Int], blocks type: String,
    _ make: @escaping @Sendable () throws(FormatError) -> StoredTensor
  ) {
    (self.shape, self.type) = (shape, type)
    self.make = { () throws(FormatError) in .blocks(try make()) }
  }
}

/// The tensors of one layer that a library quantized.
struct QuantizedLayer: Sendable {
  let archive: TensorArchive
  /// The path of the layer's module.
  let path: String

  /// The whole name of a tensor of the layer.
  func name(_ part: String) -> String { "\(path).\(part)" }
  func has(_ part: String) -> Bool { archive.contains(name(part)) }
  func shape(_ part: String) -> [Int]? { archive.info(name(part))?.shape }

  /// Checks how a tensor is stored.
  ///
  /// - Parameters:
  ///   - part: its name in the layer.
  ///   - types: those that it may be of, as safetensors calls them.
  ///   - wanted: its shape; any where nil.
  /// - Returns: its shape.
  /// - Throws: ``FormatError`` where it is missing, or stored otherwise.
  @discardableResult
  func check(_ part: String, _ types: [String], _ wanted: [Int]? = nil) throws(FormatError) -> [Int]
  {
    guard let info = archive.info(name(part)) else {
      throw .missingTensor(name: name(part), file: archive.file(of: name("weight")))
    }
    guard types.contains(info.dtype) else {
      throw malformed(
        part, "is of type \(info.dtype), not \(types.joined(separator: " or "))")
    }
    guard wanted.map({ $0 == info.shape }) ?? true else {
      throw malformed(
        part, "has shape \(info.shape), and the others of its layer make \(wanted ?? [])")
    }
    guard info.shape.allSatisfy({ (1...1 << 30).contains($0) }) else {
      throw malformed(part, "has shape \(info.shape)")
    }
    return info.shape
  }

  /// A matrix's rows and columns, as stored.
  func matrix(_ part: String, _ types: [String]) throws(FormatError) -> (rows: Int, columns: Int) {
    let shape = try check(part, types)
    guard shape.count == 2 else {
      throw malformed(part, "has shape \(shape), which is no matrix's")
    }
    return (shape[0], shape[1])
  }

  /// A tensor, in the order of its axes.
  func tensor(_ part: String) throws(FormatError) -> Tensor {
    guard let found = try archive.tensor(name(part)) else {
      throw .missingTensor(name: name(part), file: archive.file(of: name("weight")))
    }
    do {
      return try found.contiguous()
    } catch {
      throw .tensor(error)
    }
  }

  /// A tensor's numbers.
  func floats(_ part: String) throws(FormatError) -> [Float] {
    let found = try tensor(part)
    do {
      return try found.floats()
    } catch {
      throw .tensor(error)
    }
  }

  /// An error about a tensor of the layer.
  func malformed(_ part: String, _ reason: String) -> FormatError {
    .malformedQuantization(name: name(part), reason: reason, file: archive.file(of: name(part)))
  }
}
