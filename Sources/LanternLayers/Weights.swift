import LanternPlatform
package import LanternFormats
package import LanternTensor

/// A cursor into a checkpoint: a prefix such as `down_blocks.0.resnets.1`, below which layers take their
/// tensors.
///
/// Layers are built with their weights; tensors that are taken are recorded, so that
/// ``finish(ignoring:later:)`` can name those that no layer took.
package struct Weights: Sendable {
  private let archive: TensorArchive
  private let component: String
  private let adapters: [Adapter]
  /// What the model computes in.
  package let precision: Precision
  private let prefix: String
  /// Names of the tensors that were taken.
  private let taken: Locked<Set<String>>
  /// The path of a module in another spelling that adapters may have.
  private let otherPath: @Sendable (_ path: String) -> String?

  /// The root of a checkpoint.
  ///
  /// - Parameters:
  ///   - archive: its files.
  ///   - component: which part of a model it is, as adapters name it.
  ///   - adapters: what is added to its weights.
  ///   - precision: what the model computes in.
  package init(
    _ archive: TensorArchive, of component: String = "", adding adapters: [Adapter] = [],
    precision: Precision = .exact
  ) {
    self.archive = archive
    self.component = component
    self.adapters = adapters
    self.precision = precision
    self.prefix = ""
    self.taken = Locked([])
    self.otherPath = { _ in nil }
  }

  private init(
    _ parent: Weights, _ name: String = "", otherPath: (@Sendable (String) -> String?)? = nil
  ) {
    self.archive = parent.archive
    self.component = parent.component
    self.adapters = parent.adapters
    self.precision = parent.precision
    self.prefix = [parent.prefix, name].filter { !$0.isEmpty }.joined(separator: ".")
    self.taken = parent.taken
    self.otherPath = otherPath ?? parent.otherPath
  }

  /// The same cursor, whose adapters may have another spelling of modules' paths.
  ///
  /// - Parameter path: the other path of a module; nil where it has none.
  /// - Returns: the cursor.
  package func spelledToo(_ path: @escaping @Sendable (String) -> String?) -> Weights {
    Weights(self, otherPath: path)
  }

  /// The cursor at `name` below this one.
  package subscript(name: String) -> Weights { Weights(self, name) }
  /// The cursor at an index below this one.
  package subscript(index: Int) -> Weights { self[String(index)] }

  /// Whether the checkpoint has a tensor `name` here.
  package func has(_ name: String) -> Bool { archive.contains(full(name)) }
  /// The cursor at `name`, or at `older` where the checkpoint still spells it so.
  package func either(_ name: String, _ older: String) -> Weights {
    self[older].has("weight") ? self[older] : self[name]
  }

  /// A tensor as f32: for scales, shifts and tables.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func tensor(_ name: String, _ shape: [Int]) throws(ModelError) -> Tensor {
    let stored = try stored(name, shape, orReshaped: false)
    do {
      return try stored.converted(to: .float32)
    } catch {
      throw .tensor(error)
    }
  }

  /// A tensor in the type it is stored in, its bytes left in the file: for large tables of which
  /// few rows are read.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func table(_ name: String, _ shape: [Int]) throws(ModelError) -> Tensor {
    try stored(name, shape, orReshaped: false)
  }

  /// A matrix in the blocks that it is stored in; nil for one of plain elements, or that adapters change.
  ///
  /// Whether the numbers are finite is not known before they are packed or decoded.
  ///
  /// - Throws: ``ModelError`` when it is of another shape.
  package func blocks(_ name: String, _ shape: [Int]) throws(ModelError) -> StoredTensor? {
    guard adapters.isEmpty else { return nil }
    let key = full(name)
    let found: StoredTensor?
    do {
      found = try archive.blocks(key)
    } catch {
      throw .file(error)
    }
    guard let found else { return nil }
    taken { _ = $0.insert(key) }
    guard found.shape == shape else {
      throw .wrongShape(name: key, expected: shape, found: found.shape, file: archive.file(of: key))
    }
    return found
  }

  /// A matrix in blocks, where the precision keeps them.
  private func keptBlocks(_ name: String, _ shape: [Int]) throws(ModelError) -> StoredTensor? {
    guard precision != .exact, let blocks = try blocks(name, shape),
      let form = blocks.format.packedForm, precision.keepsBlocks(form)
    else { return nil }
    return blocks
  }

  /// Blocks repacked.
  ///
  /// - Parameters:
  ///   - name: of the tensor that they are of.
  ///   - blocks: all of it, as it is kept; nothing is packed where nil.
  ///   - rows: those that are packed; all when nil.
  ///   - gates: the rows that gate these, or a tensor of such, where the matrix is a gated unit's.
  /// - Returns: the matrix; nil where there are no blocks, or gates are of another format.
  /// - Throws: ``ModelError`` when a number is not finite.
  private func packed(
    _ name: String, _ blocks: StoredTensor?, rows: Range<Int>? = nil, gates: Gates = .none
  ) throws(ModelError) -> PackedMatrix? {
    guard let blocks else { return nil }
    let packed: PackedMatrix
    do {
      let others: StoredTensor? =
        switch gates {
        case .none: nil
        case .rows(let range): try blocks.rows(range)
        case .tensor(let other): other
        }
      guard others.map({ $0.format.name == blocks.format.name }) ?? true else { return nil }
      defer { for part in [blocks, others] { part?.releasePages() } }
      packed = try PackedMatrix(blocks: rows.map(blocks.rows) ?? blocks, gates: others)
    } catch {
      throw .tensor(error)
    }
    let key = full(name)
    guard packed.isFiniteEverywhere else {
      throw .notFinite(name: key, file: archive.file(of: key))
    }
    return packed
  }

  /// Where a gated unit's gates lie.
  private enum Gates {
    case none
    case rows(Range<Int>)
    case tensor(StoredTensor)
  }

  /// Some rows of a matrix `[outputs, inputs]`, packed as ``matrix(_:_:_:)`` packs all of them.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func matrix(_ name: String, _ outputs: Int, _ inputs: Int, rows: Range<Int>)
    throws(ModelError) -> PackedMatrix
  {
    let blocks = try keptBlocks(name, [outputs, inputs])
    if let packed = try packed(name, blocks, rows: rows) { return packed }
    let stored = try stored(name, [outputs, inputs], orReshaped: false)
    do {
      return try packed(stored.sliced(axis: 0, rows))
    } catch {
      throw .tensor(error)
    }
  }

  /// A matrix `[outputs, inputs]` packed for matrix products as the precision wants it.
  ///
  /// A 1×1 convolution's `[outputs, inputs, 1, 1]` counts as one.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func matrix(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError)
    -> PackedMatrix
  {
    if let packed = try packed(name, keptBlocks(name, [outputs, inputs])) { return packed }
    let stored = try stored(name, [outputs, inputs], orReshaped: true)
    do {
      return try packed(stored)
    } catch {
      throw .tensor(error)
    }
  }

  /// A gated unit's matrix `[2 · outputs, inputs]`, values before gates or behind them, packed as
  /// ``matrix(_:_:_:)`` packs one.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func gatedMatrix(_ name: String, _ outputs: Int, _ inputs: Int, gatesFirst: Bool = false)
    throws(ModelError) -> PackedMatrix
  {
    let (first, second) = (0..<outputs, outputs..<2 * outputs)
    let (values, gates) = gatesFirst ? (second, first) : (first, second)
    let blocks = try keptBlocks(name, [2 * outputs, inputs])
    if let packed = try packed(name, blocks, rows: values, gates: .rows(gates)) { return packed }
    let stored = try stored(name, [2 * outputs, inputs], orReshaped: false)
    guard gatesFirst else { return try gated(stored, releasing: [stored]) }
    let swapped: Tensor
    do {
      swapped = try Tensor.concatenated(
        [
          stored.sliced(axis: 0, values), stored.sliced(axis: 0, gates),
        ], axis: 0)
    } catch {
      throw .tensor(error)
    }
    return try gated(swapped, releasing: [stored])
  }

  /// As ``gatedMatrix(_:_:_:gatesFirst:)``, of values that lie here and gates that lie elsewhere, each `[outputs, inputs]`.
  ///
  /// - Throws: ``ModelError`` when one is missing, of another shape, or not finite.
  package func gatedMatrix(_ name: String, gates: Weights, _ outputs: Int, _ inputs: Int)
    throws(ModelError) -> PackedMatrix
  {
    if let values = try keptBlocks(name, [outputs, inputs]),
      let others = try gates.keptBlocks(name, [outputs, inputs]),
      let packed = try packed(name, values, gates: .tensor(others))
    {
      return packed
    }
    var parts = [
      try stored(name, [outputs, inputs], orReshaped: false),
      try gates.stored(name, [outputs, inputs], orReshaped: false),
    ]
    let files = parts
    let joined: Tensor
    do {
      if parts[0].dtype != parts[1].dtype {
        parts = try parts.map { part throws(TensorError) in try part.converted(to: .float32) }
      }
      joined = try Tensor.concatenated(parts, axis: 0)
    } catch {
      throw .tensor(error)
    }
    return try gated(joined, releasing: files)
  }

  private func gated(_ stored: Tensor, releasing files: [Tensor]) throws(ModelError)
    -> PackedMatrix
  {
    defer { for file in files { file.releasePages() } }
    let form = precision.form(
      of: stored.dtype, inputs: stored.shape[1], outputs: stored.shape[0] / 2)
    do {
      return try PackedMatrix(gated: stored, as: form)
    } catch {
      throw .tensor(error)
    }
  }

  /// A convolution's `[outputs, inputs, size, size]` packed for channels-last pictures.
  ///
  /// - Parameters:
  ///   - name: of the tensor.
  ///   - outputs: its channels.
  ///   - inputs: its input's channels.
  ///   - window: how it moves over the picture.
  /// - Returns: the packed kernel.
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func kernel(
    _ name: String, _ outputs: Int, _ inputs: Int, _ window: ConvolutionWindow
  ) throws(ModelError) -> PackedMatrix {
    let size = window.height
    let stored = try stored(name, [outputs, inputs, size, size], orReshaped: size == 1)
    do {
      let kernel = try stored.reshaped([outputs, inputs, size, size]).permuted([0, 2, 3, 1])
      defer { stored.releasePages() }
      if window.fitsWinograd,
        let form = precision.winogradForm(inputs: inputs, outputs: outputs)
      {
        return try PackedMatrix(winograd: kernel, as: form)
      }
      let form = precision.form(of: kernel.dtype, inputs: inputs, outputs: outputs)
      return try PackedMatrix(kernel, as: form)
    } catch {
      throw .tensor(error)
    }
  }

  private func packed(_ stored: Tensor) throws(TensorError) -> PackedMatrix {
    defer { stored.releasePages() }
    let form = precision.form(
      of: stored.dtype, inputs: stored.elementCount / stored.shape[0], outputs: stored.shape[0])
    return try PackedMatrix(stored, as: form)
  }

  /// Ends the loading of a model: releases the pages of the file that were read.
  ///
  /// - Parameters:
  ///   - ignoring: endings of names that may stay unused.
  ///   - later: prefixes whose tensors are taken later, if at all.
  /// - Throws: ``ModelError/unusedTensors(names:file:)`` when tensors are left over.
  package func finish(ignoring: [String] = [], later: [String] = []) throws(ModelError) {
    let taken = taken { $0 }
    let left = archive.names.filter { name in
      !taken.contains(name) && !ignoring.contains { name.hasSuffix($0) }
        && !later.contains { name.hasPrefix("\($0).") }
    }
    archive.releasePages()
    // Packing allocated buffers of sizes that nothing else uses.
    BufferPool.shared.drain(atLeast: 1 << 20)
    if let first = left.first { throw .unusedTensors(names: left, file: archive.file(of: first)) }
  }

  private func stored(_ name: String, _ shape: [Int], orReshaped: Bool) throws(ModelError) -> Tensor
  {
    let key = full(name)
    let file = archive.file(of: key)
    let found: Tensor?
    do {
      found = try archive.tensor(key)
    } catch {
      throw .file(error)
    }
    guard let found else { throw .missingTensor(name: key, file: file) }
    taken { _ = $0.insert(key) }
    let fits = found.shape == shape
    let fitsFlattened = orReshaped && found.shape.filter { $0 != 1 } == shape.filter { $0 != 1 }
    guard fits || fitsFlattened else {
      throw .wrongShape(name: key, expected: shape, found: found.shape, file: file)
    }
    guard found.dtype.isFloatingPoint else {
      throw .wrongType(name: key, found: found.dtype, file: file)
    }
    guard found.isFiniteEverywhere else { throw .notFinite(name: key, file: file) }
    let weight: Tensor
    do {
      weight = fits ? found : try found.reshaped(shape)
    } catch {
      throw .tensor(error)
    }
    return try adapted(weight, key)
  }

  /// A weight or bias with what adapters add to it, in f32 then.
  private func adapted(_ tensor: Tensor, _ key: String) throws(ModelError) -> Tensor {
    guard !adapters.isEmpty else { return tensor }
    let isBias = key.hasSuffix(".bias")
    guard isBias || key.hasSuffix(".weight") else { return tensor }
    let layer = spellings(String(key.dropLast(isBias ? ".bias".count : ".weight".count)))
    var sum = tensor
    for adapter in adapters {
      let change =
        isBias
        ? try adapter.biasChange(to: layer, of: component, shape: tensor.shape)
        : try adapter.change(to: layer, of: component, weight: tensor)
      do {
        if let change { sum = try sum.converted(to: .float32) + change }
      } catch {
        throw .tensor(error)
      }
    }
    return sum
  }

  /// The bias of a layer that has none of its own; nil where adapters add none.
  ///
  /// - Throws: ``ModelError`` when an adapter's is of another shape, or not finite.
  package func addedBias(_ shape: [Int]) throws(ModelError) -> Tensor? {
    let layer = spellings(prefix)
    guard adapters.contains(where: { $0.hasBias(layer, of: component) }) else { return nil }
    do {
      return try adapted(Tensor(repeating: 0, shape: shape), "\(prefix).bias")
    } catch let error as TensorError {
      throw .tensor(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: prefix)
    }
  }

  /// Names that adapters may have for a module.
  private func spellings(_ path: String) -> [String] {
    ([path] + [otherPath(path)].compactMap(\.self)).map(AdapterName.plain)
  }

  private func full(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }
}
