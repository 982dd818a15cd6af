import LanternPlatform
import LanternFormats
package import LanternTensor

// Matrices of linear maps, gated units and convolutions, packed, or planned without being read.
extension Weights {
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
      keptForm(blocks.format) != nil
    else { return nil }
    return blocks
  }

  /// The form of blocks that are kept.
  private func keptForm(_ format: BlockFormat) -> PackedMatrix.Form? {
    guard adapters.isEmpty, let form = format.packedForm, precision.keepsBlocks(form) else {
      return nil
    }
    return form
  }

  /// What a matrix would be packed as.
  ///
  /// - Parameters:
  ///   - name: of its tensor.
  ///   - shape: of its tensor.
  ///   - outputs: rows that would be packed.
  ///   - gates: where a gated unit's gates are, here or elsewhere; nil for another matrix.
  /// - Returns: the matrix without its weights.
  /// - Throws: ``ModelError`` when a tensor is missing, or of another shape.
  private func planned(_ name: String, _ shape: [Int], outputs: Int, gates: Weights? = nil)
    throws(ModelError) -> PackedMatrix
  {
    let format = try format(name, shape)
    let other = try gates?.format(name, shape) ?? format
    let dtype = other.dtype == format.dtype ? format.dtype : .float32
    let form =
      (other.name == format.name ? keptForm(format) : nil)
      ?? precision.form(of: dtype, inputs: shape[1], outputs: outputs)
    do {
      return counted(
        try PackedMatrix(planned: outputs, shape[1], as: form, isGated: gates != nil))
    } catch {
      throw .tensor(error)
    }
  }

  /// How a matrix is stored.
  private func format(_ name: String, _ shape: [Int]) throws(ModelError) -> BlockFormat {
    let key = full(name)
    let file = archive.file(of: key)
    guard let info = archive.info(key) else { throw .missingTensor(name: key, file: file) }
    taken { _ = $0.insert(key) }
    guard info.shape == shape || info.shape.filter({ $0 != 1 }) == shape.filter({ $0 != 1 }) else {
      throw .wrongShape(name: key, expected: shape, found: info.shape, file: file)
    }
    guard let format = archive.format(key), format.dtype.isFloatingPoint else {
      throw .file(.unsupportedElementType(name: key, type: info.dtype, file: file))
    }
    return format
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
    if isPlan { return try planned(name, [outputs, inputs], outputs: rows.count) }
    let blocks = try keptBlocks(name, [outputs, inputs])
    if let packed = try packed(name, blocks, rows: rows) { return counted(packed) }
    let stored = try stored(name, [outputs, inputs], orReshaped: false)
    do {
      return counted(try packed(stored.sliced(axis: 0, rows)))
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
    if isPlan { return try planned(name, [outputs, inputs], outputs: outputs) }
    if let packed = try packed(name, keptBlocks(name, [outputs, inputs])) {
      return counted(packed)
    }
    let stored = try stored(name, [outputs, inputs], orReshaped: true)
    do {
      return counted(try packed(stored))
    } catch {
      throw .tensor(error)
    }
  }

  /// A gated unit's matrix `[2 · outputs, inputs]`, values before gates or behind them, packed as
  /// ``matrix(_:_:_:)`` packs one; behind as many other rows as `others` says.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func gatedMatrix(
    _ name: String, _ outputs: Int, _ inputs: Int, gatesFirst: Bool = false,
    behind others: Int = 0
  ) throws(ModelError) -> PackedMatrix {
    let shape = [others + 2 * outputs, inputs]
    if isPlan { return try planned(name, shape, outputs: outputs, gates: self) }
    let (first, second) = (others..<others + outputs, others + outputs..<others + 2 * outputs)
    let (values, gates) = gatesFirst ? (second, first) : (first, second)
    let blocks = try keptBlocks(name, shape)
    if let packed = try packed(name, blocks, rows: values, gates: .rows(gates)) {
      return counted(packed)
    }
    let stored = try stored(name, shape, orReshaped: false)
    guard gatesFirst || others > 0 else { return try gated(stored, releasing: [stored]) }
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
    if isPlan { return try planned(name, [outputs, inputs], outputs: outputs, gates: gates) }
    if let values = try keptBlocks(name, [outputs, inputs]),
      let others = try gates.keptBlocks(name, [outputs, inputs]),
      let packed = try packed(name, values, gates: .tensor(others))
    {
      return counted(packed)
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
      return counted(try PackedMatrix(gated: stored, as: form))
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
        return counted(try PackedMatrix(winograd: kernel, as: form))
      }
      let form = precision.form(of: kernel.dtype, inputs: inputs, outputs: outputs)
      return counted(try PackedMatrix(kernel, as: form))
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

  private func counted(_ matrix: PackedMatrix) -> PackedMatrix {
    held { $0 += matrix.byteCount }
    return matrix
  }
}
