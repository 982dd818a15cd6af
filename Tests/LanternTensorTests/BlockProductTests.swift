import CLanternKernels
import LanternFormats
import Testing

@testable import LanternTensor

/// Formats whose blocks are repacked without being decoded, and where their f16 scales lie.
private let formats: [(format: BlockFormat, scales: [Int])] = [
  (.q4_0, [0]), (.q4_1, [0, 2]), (.q4_K, [0, 2]), (.q5_0, [0]), (.q5_1, [0, 2]), (.q5_K, [0, 2]),
  (.q8_0, [0]), (.q3_K, [108]), (.q6_K, [208]), (.iq4_nl, [0]), (.iq4_xs, [0]), (.mxfp4, []),
  (.tq1_0, [52]), (.tq2_0, [64]),
]

@Suite struct BlockProductTests {
  @Test(
    "Products of blocks are within 2e-3 of those of their numbers, with every instruction set",
    arguments: formats.map(\.format.name))
  func products(name: String) throws {
    let stored = try blocks(name, 70, 512)
    let weight = try stored.tensor().converted(to: .float32).floats().map(Double.init)
    var numbers = Numbers(3)
    let x = numbers.floats(9 * 512)
    for kernels in kernelSets {
      let y = multiplied(x, by: stored, kernels)
      let wanted = (0..<9 * 70).map { at in
        let (row, output) = (at / 70, at % 70)
        return (0..<512).reduce(0.0) {
          $0 + Double(x[row * 512 + $1]) * weight[output * 512 + $1]
        }
      }
      expectNear(y, wanted, kernels.tolerance(LK_I16, 2e-3), "\(kernels.title) \(name)")
    }
  }

  @Test(
    "A row times blocks has the same bits alone and among others",
    arguments: ["q4_K", "q5_1", "q6_K"])
  func rows(name: String) throws {
    let stored = try blocks(name, 70, 512)
    var numbers = Numbers(4)
    let x = numbers.floats(9 * 512)
    for kernels in kernelSets {
      let all = multiplied(x, by: stored, kernels).values
      for count in [1, 2, 3] {
        let some = multiplied(Array(x[..<(count * 512)]), by: stored, kernels).values
        #expect(some == Array(all[..<(count * 70)]), "\(kernels.title) \(count)")
      }
    }
  }

  @Test(
    "Packed blocks are the same bytes with every instruction set",
    arguments: formats.map(\.format.name))
  func packing(name: String) throws {
    let stored = try blocks(name, 40, 768)
    let all = kernelSets.map { packed(stored, $0) }
    for bytes in all { #expect(bytes == all[0]) }
  }

  @Test("Blocks packed piece by piece are the same bytes as at once")
  func pieces() throws {
    let (values, gates) = (try blocks("q4_K", 100, 256), try blocks("q4_K", 100, 256, seed: 9))
    for kernels in kernelSets {
      #expect(packed(values, kernels, begins: [0, 32, 96]) == packed(values, kernels))
      #expect(
        packed(values, kernels, gates: gates, begins: [0, 64])
          == packed(values, kernels, gates: gates))
    }
  }

  @Test("Gated blocks multiply as a matrix of values and one of gates do")
  func gated() throws {
    let (values, gates) = (try blocks("q4_K", 64, 256), try blocks("q4_K", 64, 256, seed: 9))
    var numbers = Numbers(5)
    let x = try Tensor(numbers.floats(3 * 256), shape: [3, 256])
    let y = try x.gatedLinear(PackedMatrix(blocks: values, gates: gates), activation: .silu)
    let gate = try x.linear(PackedMatrix(blocks: gates)).applying(.silu)
    let wanted = try x.linear(PackedMatrix(blocks: values)) * gate
    #expect(zip(try y.floats(), try wanted.floats()).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test("Blocks with a scale that is no number are not finite")
  func unsound() throws {
    for bits: UInt16 in [0x7C00, 0x7E00] {
      let stored = try blocks("q8_0", 8, 64, scale: bits)
      #expect(try !PackedMatrix(blocks: stored).isFiniteEverywhere)
    }
    #expect(try PackedMatrix(blocks: blocks("q8_0", 8, 64)).isFiniteEverywhere)
  }

  @Test("Rows of a table of blocks are those of its numbers")
  func table() throws {
    let stored = try blocks("q6_K", 12, 256)
    let all = try stored.tensor().converted(to: .float32)
    #expect(try stored.rows([3, 0, 11]).floats() == all.rows([3, 0, 11]).floats())
    #expect(throws: TensorError.self) { try stored.rows([12]) }
    let order = try stored.reorderingRows([5, 1]).tensor().floats()
    #expect(try order == all.rows([5, 1]).floats())
  }
}

/// Random blocks `[rows, columns]` with scales around 0.01, one of them `scale`.
private func blocks(
  _ name: String, _ rows: Int, _ columns: Int, seed: Int = 1, scale: UInt16? = nil
) throws -> StoredTensor {
  let (format, scales) = try #require(formats.first { $0.format.name == name })
  let count = rows * columns / format.blockElements
  var numbers = Numbers(seed)
  var bytes = numbers.floats(count * format.blockBytes, 0, 256).map { UInt8($0) }
  for block in 0..<count {
    for at in scales {
      var bits = Float16(0.01 * (0.5 + Float(bytes[block * format.blockBytes]) / 256)).bitPattern
      if block == count / 2, let scale { bits = scale }
      bytes[block * format.blockBytes + at] = UInt8(bits & 255)
      bytes[block * format.blockBytes + at + 1] = UInt8(bits >> 8)
    }
    if name == "mxfp4" {
      bytes[block * format.blockBytes] = 118 + bytes[block * format.blockBytes] % 4
    }
  }
  let storage = try Storage(byteCount: bytes.count)
  storage.base.copyMemory(from: bytes, byteCount: bytes.count)
  return try StoredTensor(storage, [rows, columns], as: format, at: 0)
}

/// The bytes of packed blocks, rows from each of `begins` on packed by themselves.
private func packed(
  _ stored: StoredTensor, _ kernels: lk_kernels, gates: StoredTensor? = nil, begins: [Int64] = [0]
) -> [UInt8] {
  guard let format = stored.format.kernelFormat else { return [] }
  let (rows, k) = (Int64(stored.shape[0]), Int64(stored.shape[1]))
  let (n, layout) = gates == nil ? (rows, LK_MATRIX) : (2 * rows, LK_GATED)
  let size = lk_packed_bytes(n, k, lk_blocks_type(format), layout)
  var bytes = [UInt8](repeating: 0, count: size)
  bytes.withUnsafeMutableBytes {
    var arguments = lk_pack_blocks_args(
      blocks: stored.blocks, gates: gates?.blocks, format: format, n: n, k: k, layout: layout,
      begin: 0, end: 0, packed: $0.baseAddress)
    for (begin, end) in zip(begins, begins.dropFirst() + [rows]) {
      (arguments.begin, arguments.end) = (begin, end)
      withExtendedLifetime((stored, gates)) { kernels.pack_blocks(&arguments) }
    }
  }
  return bytes
}

private func multiplied(_ x: [Float], by stored: StoredTensor, _ kernels: lk_kernels) -> Misaligned
{
  let (n, k) = (stored.shape[0], stored.shape[1])
  let m = x.count / k
  let (from, y) = (Misaligned(x), Misaligned(count: m * n))
  guard let format = stored.format.kernelFormat else { return y }
  packed(stored, kernels).withUnsafeBytes { bytes in
    var arguments = lk_gemm_args(
      m: Int64(m), n: Int64(n), k: Int64(k), x: from.pointer, x_stride: Int64(k),
      packed: bytes.baseAddress, packed_type: lk_blocks_type(format), layout: LK_MATRIX, bias: nil,
      residual: nil, residual_stride: 0, activation: LK_IDENTITY, y: y.pointer,
      y_stride: Int64(n))
    kernels.gemm(&arguments)
  }
  return y
}
