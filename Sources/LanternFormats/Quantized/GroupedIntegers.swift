import LanternTensor

/// A matrix of integers, each group of whose columns has, in each row, a scale and perhaps a zero point: what most
/// libraries quantize to. A number is scale · (integer − zero point).
///
/// Where integers of 4 or 8 bits hold the differences, and groups are whole blocks with scales that f16 holds, it is
/// decoded to ggml's blocks, in which nothing is lost; otherwise to f32.
struct GroupedIntegers: Sendable {
  let outputs: Int
  let inputs: Int
  /// Groups of a row, and columns of each but perhaps the last.
  let groups: Int, groupSize: Int
  /// The group of each column; in order and of one size where nil.
  var groupOfColumn: [Int32]?
  /// What `integer − zero point` may be.
  let range: ClosedRange<Int>
  /// Whether all scales are numbers of f16.
  let hasHalfScales: Bool
  /// Scales, `[output, group]`.
  let scales: @Sendable () throws(FormatError) -> [Float]
  /// Zero points, `[output, group]`; one for all where there is one number.
  let zeros: @Sendable () throws(FormatError) -> [Int16]
  /// Gives a function that writes the integers of some rows, `[row, input]`.
  let integers: @Sendable () throws(FormatError) -> Rows

  typealias Rows = (_ rows: Range<Int>, _ integers: UnsafeMutablePointer<Int16>) -> Void

  /// Rows that are decoded at a time: some multiple of the outputs that lie in one word.
  private static let rowsAtOnce = 32
  private static let block = 32

  /// The matrix, in the smallest form that holds it.
  func matrix() -> QuantizedMatrix {
    let shape = [outputs, inputs]
    let isWhole =
      groupOfColumn == nil && hasHalfScales && inputs % Self.block == 0
      && (groups == 1 || groupSize % Self.block == 0)
    if isWhole, let format = Self.blocks.first(where: { $0.holds(range) }) {
      return QuantizedMatrix(shape, blocks: format.type) { () throws(FormatError) in
        try encoded(as: format)
      }
    }
    return QuantizedMatrix(shape, as: .float32) { () throws(FormatError) in try decoded() }
  }

  /// A format of blocks with a scale and no offset.
  private struct Blocks: Sendable {
    let type: String
    let format: BlockFormat
    let values: ClosedRange<Int>
    /// Writes the differences of a block behind its scale.
    let write: @Sendable (_ numbers: UnsafePointer<Int16>, _ bytes: UnsafeMutableRawPointer) -> Void

    func holds(_ range: ClosedRange<Int>) -> Bool {
      values.contains(range.lowerBound) && values.contains(range.upperBound)
    }
  }

  private static let blocks = [
    Blocks(type: "Q4_0", format: .q4_0, values: -8...7) { numbers, bytes in
      for index in 0..<16 {
        let (low, high) = (numbers[index] + 8, numbers[index + 16] + 8)
        bytes.storeBytes(
          of: UInt8(truncatingIfNeeded: low & 15 | high << 4), toByteOffset: index, as: UInt8.self)
      }
    },
    Blocks(type: "Q8_0", format: .q8_0, values: -128...127) { numbers, bytes in
      for index in 0..<32 {
        bytes.storeBytes(
          of: Int8(truncatingIfNeeded: numbers[index]), toByteOffset: index, as: Int8.self)
      }
    },
  ]

  /// Calls a closure with the differences of each row.
  private func forEachRow(_ body: (_ row: Int, _ differences: UnsafeMutablePointer<Int16>) -> Void)
    throws(FormatError)
  {
    let (zeros, write) = (try zeros(), try integers())
    // Of two bytes each.
    let buffer = try QuantizedMatrix.draft([Self.rowsAtOnce, inputs], .float16)
    let numbers = buffer.bytes.assumingMemoryBound(to: Int16.self)
    for first in stride(from: 0, to: outputs, by: Self.rowsAtOnce) {
      let rows = first..<min(first + Self.rowsAtOnce, outputs)
      write(rows, numbers)
      for row in rows {
        let differences = numbers + (row - first) * inputs
        subtract(zeros, row, differences)
        body(row, differences)
      }
    }
  }

  private func subtract(_ zeros: [Int16], _ row: Int, _ numbers: UnsafeMutablePointer<Int16>) {
    guard zeros.count > 1 || groups * outputs == 1 else {
      for column in 0..<inputs { numbers[column] -= zeros[0] }
      return
    }
    zeros[row * groups..<(row + 1) * groups].withUnsafeBufferPointer { zeros in
      for column in 0..<inputs { numbers[column] -= zeros[group(of: column)] }
    }
  }

  private func group(of column: Int) -> Int {
    groupOfColumn.map { Int($0[column]) } ?? column / groupSize
  }

  private func decoded() throws(FormatError) -> Tensor {
    let scales = try scales()
    let draft = try QuantizedMatrix.draft([outputs, inputs], .float32)
    let floats = draft.floats
    try forEachRow { row, differences in
      let target = floats + row * inputs
      scales[row * groups..<(row + 1) * groups].withUnsafeBufferPointer { scales in
        for column in 0..<inputs {
          target[column] = scales[group(of: column)] * Float(differences[column])
        }
      }
    }
    return draft.tensor()
  }

  private func encoded(as blocks: Blocks) throws(FormatError) -> StoredTensor {
    let scales = try Self.halves(of: scales())
    let (count, size) = (inputs / Self.block, blocks.format.blockBytes)
    let bytes = try QuantizedMatrix.draft([outputs * count * size], .uint8)
    let target = bytes.bytes
    try forEachRow { row, differences in
      for block in 0..<count {
        let start = target + (row * count + block) * size
        let scale = scales[row * groups + block * Self.block / groupSize]
        start.storeBytes(of: scale.littleEndian, as: UInt16.self)
        blocks.write(differences + block * Self.block, start + 2)
      }
    }
    do {
      return try StoredTensor(
        bytes.tensor().storage, [outputs, inputs], as: blocks.format, at: 0)
    } catch {
      throw .tensor(error)
    }
  }
}

extension GroupedIntegers {
  /// The bits of numbers rounded to f16.
  private static func halves(of numbers: [Float]) throws(FormatError) -> [UInt16] {
    do {
      let rounded = try Tensor(numbers, shape: [numbers.count]).converted(to: .float16)
      let bits = rounded.bytes.assumingMemoryBound(to: UInt16.self)
      defer { withExtendedLifetime(rounded) {} }
      return Array(UnsafeBufferPointer(start: bits, count: numbers.count))
    } catch {
      throw .tensor(error)
    }
  }
}

extension Config {
  /// Columns that have a scale in common; nil for all of a row.
  func groupSize(_ key: String) throws(FormatError) -> Int? {
    let size = try integer(key, default: 128)
    guard size == -1 || (1...1 << 24).contains(size) else {
      throw .unsupportedSetting(key: key, value: "\(size)", file: file)
    }
    return size == -1 ? nil : size
  }
}

extension QuantizedLayer {
  /// Whether f16 holds every number of a tensor.
  func isHalf(_ part: String) throws(FormatError) -> Bool {
    let numbers = try tensor(part)
    if numbers.dtype == .float16 { return true }
    do {
      let wide = try numbers.converted(to: .float32)
      return try wide.converted(to: .float16).floats() == wide.floats()
    } catch {
      throw .tensor(error)
    }
  }

  /// The group of each column; nil where they follow one another, or nothing is said.
  func groups(_ part: String, _ columns: Int, _ size: Int, _ count: Int) throws(FormatError)
    -> [Int32]?
  {
    guard has(part) else { return nil }
    try check(part, ["I32"], [columns])
    let order: [Int32]
    let stored = try tensor(part)
    do {
      order = try stored.integers()
    } catch {
      throw .tensor(error)
    }
    // compressed-tensors' stand-in for no order.
    if order.allSatisfy({ $0 == -1 }) { return nil }
    guard order.allSatisfy({ (0..<Int32(count)).contains($0) }) else {
      throw malformed(part, "names groups that are not there")
    }
    return order.indices.allSatisfy { Int(order[$0]) == $0 / size } ? nil : order
  }

  /// Numbers `[row, column]` as `[column, row]`.
  func transposedFloats(_ part: String) throws(FormatError) -> [Float] {
    let found = try tensor(part)
    do {
      return try found.permuted([1, 0]).floats()
    } catch {
      throw .tensor(error)
    }
  }
}

extension QuantizedMatrix {
  /// A draft, with the errors of this room.
  static func draft(_ shape: [Int], _ dtype: DType) throws(FormatError) -> Draft {
    do {
      return try Draft(shape, dtype)
    } catch {
      throw .tensor(error)
    }
  }
}
