package import LanternTensor

/// How a tensor is made of one of a file.
package struct TensorView: Sendable, Equatable {
  /// Name in the file.
  package var source: String
  /// Which of a stack of matrices `[count, rows, inputs]`, one for each expert; nil where it is none.
  package var matrix: Int?
  /// Rows of the first axis, of the transpose where it is one; all when nil.
  package var rows: Range<Int>?
  /// Of how many groups of as many rows each has ``rows`` taken, as of heads whose queries, keys and values lie together.
  package var groups = 1
  /// How many rows there must be; any number where nil.
  package var allRows: Int?
  /// Whether it is the transpose of a matrix.
  package var isTransposed = false
  /// Whether the halves of its rows are swapped, as those of a norm's shift and scale.
  package var swapsHalves = false
  /// Whether trailing axes of size 1 are left out: a 1×1 convolution as a matrix.
  package var dropsTrailingOnes = false
  /// Name of a tensor in the file that elements are multiplied by: a number for all, or one for each row or block of
  /// columns.
  package var scale: String?
  /// Of how many heads the rows are, in each of which rows 2i and 2i + 1 become i and half + i: the order of
  /// rotations in llama.cpp's files of Llama's kind, and the one in transformers'. Nil where rows stay.
  package var interleavedHeads: Int?

  package init(_ source: String, rows: Range<Int>? = nil, isTransposed: Bool = false) {
    self.source = source
    self.rows = rows
    self.isTransposed = isTransposed
  }

  /// The shape, given that of the tensor in the file; nil for rows that are not there or no matrix.
  package func shape(of stored: [Int]) -> [Int]? {
    var shape = stored
    if let matrix {
      guard shape.count == 3, (0..<shape[0]).contains(matrix) else { return nil }
      shape.removeFirst()
    }
    if dropsTrailingOnes {
      while shape.count > 2, shape.last == 1 { shape.removeLast() }
    }
    if isTransposed {
      guard shape.count == 2 else { return nil }
      shape.reverse()
    }
    if let rows {
      guard let count = shape.first, groups > 0, count % groups == 0,
        rows.upperBound <= count / groups, allRows ?? count == count
      else { return nil }
      shape[0] = rows.count * groups
    }
    if swapsHalves {
      guard let rows = shape.first, rows % 2 == 0 else { return nil }
    }
    if let interleavedHeads {
      guard interleavedHeads > 0, let rows = shape.first, rows % (2 * interleavedHeads) == 0 else {
        return nil
      }
    }
    return shape
  }
}

/// The tensors of a file under other names, each as it is or made of one of the file.
package struct RenamedFile: TensorFile {
  private let file: any TensorFile
  private let views: [String: TensorView]
  package let names: [String]

  /// - Parameters:
  ///   - file: what holds the bytes.
  ///   - views: names and what they stand for, in the order of ``names``; of two of one name the
  ///     first counts.
  package init(_ file: any TensorFile, _ views: [(name: String, view: TensorView)]) {
    self.file = file
    var all: [String: TensorView] = [:]
    self.names = views.compactMap { name, view in
      guard all[name] == nil else { return nil }
      all[name] = view
      return name
    }
    self.views = all
  }

  package var path: String { file.path }
  package var metadata: [String: String] { file.metadata }

  /// Bytes that the tensors take in the file.
  package var byteCount: Int {
    names.reduce(0) { sum, name in
      guard let (type, shape) = info(name) else { return sum }
      let count = shape.reduce(1, *)
      if let type = ElementType.named(type) { return sum + count * type.bits / 8 }
      guard let type = GGMLType.named(type) else { return sum }
      return sum + count / type.blockElements * type.blockBytes
    }
  }

  /// What a name stands for.
  package func view(_ name: String) -> TensorView? { views[name] }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    guard let view = views[name], let (type, stored) = file.info(view.source) else { return nil }
    return view.shape(of: stored).map { (type, $0) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let view = views[name], let whole = file.info(view.source)?.shape,
      let stored = try source(of: view)
    else { return nil }
    guard let shape = view.shape(of: whole) else {
      throw .badShape(name: view.source, shape: whole, file: path)
    }
    let scaled = try view.scale.map { scale throws(FormatError) in
      try self.scaled(stored, by: scale)
    }
    do {
      var tensor = scaled ?? stored
      if view.isTransposed { tensor = try tensor.permuted([1, 0]) }
      if let rows = view.rows {
        let (groups, rest) = (view.groups, Array(tensor.shape.dropFirst()))
        let apart = try tensor.reshaped([groups, tensor.shape[0] / groups] + rest)
        tensor = try apart.sliced(axis: 1, rows)
      }
      if view.swapsHalves, let rows = shape.first {
        tensor = try Tensor.concatenated(
          [rows / 2..<rows, 0..<rows / 2].map { half throws(TensorError) in
            try tensor.sliced(axis: 0, half)
          }, axis: 0)
      }
      tensor = try tensor.contiguous()
      if tensor.shape != shape { tensor = try tensor.reshaped(shape) }
      if let heads = view.interleavedHeads, let rows = shape.first {
        let half = rows / heads / 2
        tensor = try tensor.reshaped([heads, half, 2, tensor.elementCount / max(1, rows)])
          .permuted([0, 2, 1, 3]).contiguous().reshaped(shape)
      }
      return tensor
    } catch {
      throw .tensor(error)
    }
  }

  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let view = views[name], !view.isTransposed, view.scale == nil,
      let stored = try file.blocks(view.source)
    else { return nil }
    guard let shape = view.shape(of: stored.shape) else {
      throw .badShape(name: view.source, shape: stored.shape, file: path)
    }
    do throws(TensorError) {
      return try Self.rows(of: view, view.matrix.map(stored.matrix) ?? stored, shape)
    } catch {
      throw .tensor(error)
    }
  }

  private static func rows(of view: TensorView, _ stored: StoredTensor, _ shape: [Int])
    throws(TensorError) -> StoredTensor
  {
    guard view.rows != nil || view.interleavedHeads != nil || view.swapsHalves else {
      return stored
    }
    if view.interleavedHeads == nil, !view.swapsHalves, view.groups == 1, let rows = view.rows {
      return try stored.rows(rows)
    }
    let size = stored.shape[0] / view.groups
    var order = (0..<view.groups).flatMap { group in
      (view.rows ?? 0..<size).map { group * size + $0 }
    }
    if view.swapsHalves {
      order = Array(order.suffix(order.count / 2) + order.prefix(order.count / 2))
    }
    if let heads = view.interleavedHeads {
      let size = shape[0] / heads
      order = order.indices.map { row in
        let (head, feature) = (row / size, row % size)
        return order[head * size + 2 * (feature % (size / 2)) + feature / (size / 2)]
      }
    }
    return try stored.reorderingRows(order)
  }

  /// What a view is made of: a tensor of the file, or a matrix of a stack, of which no other is decoded.
  private func source(of view: TensorView) throws(FormatError) -> Tensor? {
    guard let matrix = view.matrix else { return try file.tensor(view.source) }
    let blocks = try file.blocks(view.source)
    let stack = blocks == nil ? try file.tensor(view.source) : nil
    guard let shape = file.info(view.source)?.shape, shape.count == 3,
      (0..<shape[0]).contains(matrix)
    else { throw .badShape(name: view.source, shape: stack?.shape ?? [], file: path) }
    do throws(TensorError) {
      if let blocks { return try blocks.matrix(matrix).tensor() }
      return try stack?.sliced(axis: 0, matrix..<matrix + 1).reshaped([shape[1], shape[2]])
    } catch {
      throw .tensor(error)
    }
  }

  /// Stored weights times a number, or one for each row or block of columns: f32.
  private func scaled(_ stored: Tensor, by name: String) throws(FormatError) -> Tensor {
    do throws(TensorError) {
      if let number = try? file.number(name), Float(number).isFinite {
        return try stored.converted(to: .float32).scaled(by: Float(number))
      }
      if let scales = try? file.tensor(name), scales.elementCount > 1,
        let step = ScaledFloat8.step(of: stored.shape, scales.shape)
      {
        return try stored.scaled(by: scales, each: step)
      }
    } catch {
      throw .tensor(error)
    }
    throw .badShape(name: name, shape: file.info(name)?.shape ?? [], file: path)
  }

  package func releasePages() { file.releasePages() }
}
