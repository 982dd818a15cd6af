import CLanternKernels
import Foundation
import Testing

/// The kernels of every instruction set that this processor runs.
///
/// Unsafe only in name: tables that nobody writes to.
nonisolated(unsafe) let kernelSets: [lk_kernels] = [
  LK_PORTABLE, LK_AVX2, LK_AVX512, LK_AVX512_VNNI, LK_AMX, LK_NEON, LK_NEON_DOT, LK_NEON_HALF,
].compactMap { lk_kernels_for($0)?.pointee }

/// Every form of packed weights, and how far products may be from those in double precision, as a share
/// of the largest: what rounding costs on evenly spread numbers.
let weightForms: [(type: lk_dtype, tolerance: Double)] = [
  (LK_F32, 1e-5), (LK_F16, 1e-5), (LK_BF16, 1e-5), (LK_I16, 4e-4), (LK_I8, 2e-2), (LK_I4, 0.2),
]

extension lk_kernels {
  var title: String { String(cString: name) }

  /// A tolerance for products of weights of a type, wider where they are done in f16.
  func tolerance(_ type: lk_dtype, _ defaultValue: Double) -> Double {
    has_f16_products && (type == LK_I16 || type == LK_I4) ? max(defaultValue, 5e-3) : defaultValue
  }
}

/// Numbers that are the same on every machine.
struct Numbers {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  /// Evenly spread over `low`...`high`.
  mutating func floats(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
    (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return low + (high - low) * Float(state >> 40) / Float(1 << 24)
    }
  }
}

/// A buffer that begins one float past any alignment, and ends with guards that must stay.
final class Misaligned {
  private let base: UnsafeMutablePointer<Float>
  let count: Int
  var pointer: UnsafeMutablePointer<Float> { base + 1 }
  private static let guardValue: Float = 12345.678

  init(_ values: [Float]) {
    count = values.count
    base = .allocate(capacity: count + 2)
    base[0] = Self.guardValue
    base[count + 1] = Self.guardValue
    for (index, value) in values.enumerated() { base[index + 1] = value }
  }

  convenience init(count: Int) { self.init([Float](repeating: .nan, count: count)) }

  deinit { base.deallocate() }

  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  /// Whether nothing was written before or behind the buffer.
  var isGuarded: Bool { base[0] == Self.guardValue && base[count + 1] == Self.guardValue }
}

/// Expects each number within `tolerance` of the largest reference in magnitude.
func expectNear(
  _ found: Misaligned, _ wanted: [Double], _ tolerance: Double, _ comment: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.isGuarded, "\(comment): wrote outside", sourceLocation: sourceLocation)
  let values = found.values
  #expect(values.count == wanted.count, "\(comment)", sourceLocation: sourceLocation)
  var (worst, maximum, place) = (0.0, 1e-30, 0)
  for (index, (a, b)) in zip(values, wanted).enumerated() {
    let error = abs(Double(a) - b)
    // What is no number stays the worst.
    if error > worst || error.isNaN { (worst, place) = (error, index) }
    maximum = max(maximum, abs(b))
  }
  #expect(
    worst <= tolerance * maximum,
    "\(comment): element \(place) is off by \(worst / maximum) of the largest",
    sourceLocation: sourceLocation)
}

/// Weights rounded to a stored type, as the kernels then see them.
func rounded(_ values: [Float], to type: lk_dtype) -> [Float] {
  switch type {
  case LK_F16: values.map { Float(Float16($0)) }
  case LK_BF16:
    values.map { value in
      let bits = value.bitPattern
      return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
    }
  default: values
  }
}

/// Threads as the tests found them, and a turn at changing their number, which is the process's.
private let threadTurn = (lock: NSLock(), defaultValue: lk_threads())

/// Does something with a number of threads that nobody else changes meanwhile; nil leaves it as it is.
func withThreads<Result>(_ count: Int32?, _ body: () throws -> Result) rethrows -> Result {
  guard let count else { return try body() }
  threadTurn.lock.lock()
  lk_set_threads(count)
  defer {
    lk_set_threads(threadTurn.defaultValue)
    threadTurn.lock.unlock()
  }
  return try body()
}

/// The packed form of `[outputs, inputs]` weights, or of 3×3 kernels `[outputs, 3, 3, inputs / 9]`.
func packed(
  _ weights: [Float], _ outputs: Int, _ inputs: Int, as type: lk_dtype, by kernels: lk_kernels,
  layout: lk_layout = LK_MATRIX
) -> [UInt8] {
  let k = Int64(inputs)
  let size = lk_packed_bytes(Int64(outputs), k, type, layout)
  var bytes = [UInt8](repeating: 0xAA, count: size)
  weights.withUnsafeBytes { weights in
    bytes.withUnsafeMutableBytes {
      var arguments = lk_pack_args(
        weight: weights.baseAddress, from: LK_F32, scales: nil, n: Int64(outputs), k: k,
        row_stride: Int64(inputs), scale_stride: 0, layout: layout, transposed: false,
        packed: $0.baseAddress,
        to: type)
      kernels.pack(&arguments)
    }
  }
  return bytes
}

/// Expects what one instruction set found to be what another did, within `tolerance` of the largest.
func expectSame(
  _ found: Misaligned, _ other: Misaligned, _ tolerance: Double, _ comment: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectNear(
    found, other.values.map { Double($0) }, tolerance, comment, sourceLocation: sourceLocation)
}

/// Rows of `k` numbers, misaligned, times the weights `[n, k]`, of which half may be gates.
func multiplied(
  _ x: [Float], by weight: [Float], _ n: Int, _ k: Int, as type: lk_dtype, _ kernels: lk_kernels,
  layout: lk_layout = LK_MATRIX, bias: [Float]? = nil, activation: lk_unary = LK_IDENTITY
) -> Misaligned {
  let m = x.count / k
  let columns = layout == LK_GATED ? n / 2 : n
  let (from, y) = (Misaligned(x), Misaligned(count: m * columns))
  let added = bias.map { Misaligned($0) }
  packed(weight, n, k, as: type, by: kernels, layout: layout).withUnsafeBytes { bytes in
    var arguments = lk_gemm_args(
      m: Int64(m), n: Int64(n), k: Int64(k), x: from.pointer, x_stride: Int64(k),
      packed: bytes.baseAddress, packed_type: type, layout: layout, bias: added?.pointer,
      residual: nil, residual_stride: 0, activation: activation, y: y.pointer,
      y_stride: Int64(columns))
    kernels.gemm(&arguments)
  }
  return y
}

/// Calls `body` with room for what the arguments need.
func withScratch(
  _ arguments: inout lk_attention_args, _ body: (inout lk_attention_args) -> Void
) {
  let scratch = UnsafeMutableRawPointer.allocate(
    byteCount: lk_attention_scratch_bytes(&arguments), alignment: 64)
  defer { scratch.deallocate() }
  arguments.scratch = scratch
  body(&arguments)
}
