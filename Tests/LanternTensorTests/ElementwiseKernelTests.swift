import CLanternKernels
import Foundation
import Testing

/// Elementwise kernels, conversions, sums and threads.
@Suite struct ElementwiseKernelTests {
  private static let functions: [(lk_unary, Float, Float, @Sendable (Double) -> Double)] = [
    (LK_EXP, -80, 80, { exp($0) }), (LK_RELU, -2, 2, { max($0, 0) }),
    (LK_LEAKY_RELU, -2, 2, { $0 < 0 ? 0.2 * $0 : $0 }),
    (LK_SILU, -30, 30, { $0 / (1 + exp(-$0)) }),
    (LK_GELU, -6, 6, { $0 * (1 + erf($0 / 2.0.squareRoot())) / 2 }),
    (
      LK_GELU_TANH, -6, 6,
      { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    ),
    (LK_QUICK_GELU, -10, 10, { $0 / (1 + exp(-1.702 * $0)) }),
    (LK_TANH, -9, 9, { tanh($0) }), (LK_IDENTITY, -9, 9, { $0 }),
  ]

  @Test("functions of one number, element by element, apart and in place")
  func functions() {
    for (op, low, high, function) in Self.functions {
      var numbers = Numbers(Int(op.rawValue) + 1)
      let x = numbers.floats(1003, low, high)
      for kernels in kernelSets {
        let (from, y) = (Misaligned(x), Misaligned(count: x.count))
        kernels.unary(op, from.pointer, Int64(x.count), y.pointer)
        kernels.unary(op, from.pointer, Int64(x.count), from.pointer)
        #expect(y.isGuarded && from.isGuarded)
        for (a, (b, c)) in zip(x, zip(y.values, from.values)) {
          let wanted = function(Double(a))
          // Relative, but for what is small because larger parts cancel, as 1 + erf does.
          let room = 3e-6 * max(abs(wanted), [LK_GELU, LK_TANH].contains(op) ? 0.5 : 1e-2)
          #expect(abs(Double(b) - wanted) <= room, "\(kernels.title) \(op) of \(a)")
          #expect(b.bitPattern == c.bitPattern, "\(kernels.title) \(op) in place")
        }
      }
    }
  }

  @Test("functions keep their limits at the ends of f32, and NaN stays NaN")
  func extremes() {
    let cases: [(lk_unary, Float, Float)] = [
      (LK_EXP, 200, .infinity), (LK_EXP, -200, 0), (LK_SILU, 1e30, 1e30), (LK_SILU, -1e30, 0),
      (LK_GELU, 1e30, 1e30), (LK_SILU, 0, 0), (LK_GELU, -200, 0),
      (LK_TANH, 1e30, 1), (LK_TANH, -1e30, -1), (LK_TANH, 0, 0),
    ]
    for kernels in kernelSets {
      for (op, x, wanted) in cases {
        let y = Misaligned([x])
        kernels.unary(op, y.pointer, 1, y.pointer)
        #expect(y.values == [wanted], "\(kernels.title) \(op) of \(x): \(y.values)")
      }
      for (op, _, _, _) in Self.functions where ![LK_RELU].contains(op) {
        let y = Misaligned([.nan])
        kernels.unary(op, y.pointer, 1, y.pointer)
        #expect(y.values[0].isNaN, "\(kernels.title) \(op)")
      }
    }
  }

  @Test("two operands: whole, scalars, rows and columns broadcast")
  func binary() {
    let (rows, columns) = (5, 37)
    let strides = [(37, 1), (0, 0), (0, 1), (1, 0)]
    let functions: [(lk_binary, (Float, Float) -> Float)] = [
      (LK_ADD, { $0 + $1 }), (LK_SUBTRACT, { $0 - $1 }), (LK_MULTIPLY, { $0 * $1 }),
      (LK_DIVIDE, { $0 / $1 }),
    ]
    var numbers = Numbers(9)
    let (a, b) = (numbers.floats(rows * columns), numbers.floats(rows * columns, 0.5, 2))
    for (op, function) in functions {
      for (aRow, aColumn) in strides {
        for (bRow, bColumn) in strides {
          let wanted = (0..<rows * columns).map { place in
            let (row, column) = (place / columns, place % columns)
            return function(a[row * aRow + column * aColumn], b[row * bRow + column * bColumn])
          }
          for kernels in kernelSets {
            let (x, z, y) = (Misaligned(a), Misaligned(b), Misaligned(count: a.count))
            kernels.binary(
              op, x.pointer, Int64(aRow), Int64(aColumn), z.pointer, Int64(bRow), Int64(bColumn),
              Int64(rows), Int64(columns), y.pointer)
            expectNear(y, wanted.map { Double($0) }, 1e-7, "\(kernels.title) \(op) \(aRow) \(bRow)")
          }
        }
      }
    }
  }

  @Test("scaling and clamping")
  func others() {
    var numbers = Numbers(10)
    let x = numbers.floats(2 * 3 * 37, -4, 4)
    for kernels in kernelSets {
      let y = Misaligned(x)
      kernels.affine(y.pointer, 0.5, -2, Int64(x.count), y.pointer)
      expectNear(y, x.map { 0.5 * Double($0) - 2 }, 1e-6, "\(kernels.title) affine")
      let z = Misaligned(x + [.nan])
      kernels.clamp(z.pointer, -1, 1, Int64(x.count + 1), z.pointer)
      #expect(z.values == x.map { min(max($0, -1), 1) } + [-1], "\(kernels.title) clamp")
    }
  }

  @Test("negative numbers times the slope of their column, apart and in place")
  func prelu() {
    var numbers = Numbers(10)
    let (rows, columns) = (5, 37)
    let (x, slope) = (numbers.floats(rows * columns, -2, 2), numbers.floats(columns))
    let wanted = x.indices.map { x[$0] < 0 ? Double(slope[$0 % columns] * x[$0]) : Double(x[$0]) }
    for kernels in kernelSets {
      let (from, y) = (Misaligned(x), Misaligned(count: x.count))
      kernels.prelu(from.pointer, slope, Int64(rows), Int64(columns), y.pointer)
      expectNear(y, wanted, 1e-6, "\(kernels.title) prelu")
      kernels.prelu(from.pointer, slope, Int64(rows), Int64(columns), from.pointer)
      #expect(from.values == y.values && y.isGuarded && from.isGuarded)
    }
  }

  @Test("sums, means, maxima and minima of odd rows")
  func reductions() {
    for columns in [1, 7, 33, 1000] {
      var numbers = Numbers(columns)
      let x = numbers.floats(3 * columns, -2, 5)
      let rows = (0..<3).map { row in x[row * columns..<(row + 1) * columns].map { Double($0) } }
      for kernels in kernelSets {
        for (op, wanted) in [
          (LK_SUM, rows.map { $0.reduce(0, +) }),
          (LK_MEAN, rows.map { $0.reduce(0, +) / Double(columns) }),
          (LK_MAX, rows.map { $0.max() ?? 0 }), (LK_MIN, rows.map { $0.min() ?? 0 }),
        ] {
          let (from, y) = (Misaligned(x), Misaligned(count: 3))
          kernels.reduce(op, from.pointer, 3, Int64(columns), y.pointer)
          expectNear(y, wanted, 1e-6, "\(kernels.title) \(op) \(columns)")
        }
      }
    }
  }

  @Test(
    "all 65,536 half-precision numbers become f32 and come back, and f32 is rounded to nearest even"
  )
  func conversions() {
    let patterns = (0...UInt16.max).map { $0 }
    var numbers = Numbers(11)
    let floats =
      numbers.floats(2000, -70000, 70000) + numbers.floats(2000, -1e-4, 1e-4)
      + [0, -0.0, 65504, 65519.9, 65520, 1e30, -1e30, .infinity, 5.96e-8, 2.98e-8, 2.99e-8]
      + (0..<64).map { Float(Float16(1)) + Float($0) * 0x1p-12 }
    for kernels in kernelSets {
      for (type, widened) in [
        (LK_F16, patterns.map { Float(Float16(bitPattern: $0)) }),
        (LK_BF16, patterns.map { Float(bitPattern: UInt32($0) << 16) }),
      ] {
        var wide = [Float](repeating: 0, count: patterns.count)
        kernels.convert(patterns, type, Int64(patterns.count), &wide, LK_F32)
        var back = [UInt16](repeating: 0, count: patterns.count)
        kernels.convert(wide, LK_F32, Int64(wide.count), &back, type)
        for (index, pattern) in patterns.enumerated() {
          if widened[index].isNaN {
            #expect(
              wide[index].isNaN && value(back[index], type).isNaN, "\(kernels.title) \(pattern)")
          } else if wide[index] != widened[index] || back[index] != pattern {
            Issue.record("\(kernels.title) \(type) \(pattern): \(wide[index]), \(back[index])")
          }
        }
        var narrow = [UInt16](repeating: 0, count: floats.count)
        kernels.convert(floats, LK_F32, Int64(floats.count), &narrow, type)
        for (found, wanted) in zip(narrow, rounded(floats, to: type)) {
          #expect(value(found, type) == wanted, "\(kernels.title) \(type)")
        }
      }
    }
  }

  private func value(_ pattern: UInt16, _ type: lk_dtype) -> Float {
    type == LK_F16 ? Float(Float16(bitPattern: pattern)) : Float(bitPattern: UInt32(pattern) << 16)
  }

  @Test("whether all numbers are finite, wherever the one that is not lies")
  func finite() {
    for count in [1, 15, 16, 17, 100] {
      for place in [0, count / 2, count - 1] {
        for bad in [Float.nan, .infinity, -.infinity] {
          var values = [Float](repeating: 3e38, count: count)
          #expect(lk_all_finite(values, LK_F32, Int64(count)))
          values[place] = bad
          #expect(!lk_all_finite(values, LK_F32, Int64(count)), "\(count) \(place)")
          var halves = [Float16](repeating: 65504, count: count)
          #expect(lk_all_finite(halves, LK_F16, Int64(count)))
          halves[place] = Float16(bad)
          #expect(!lk_all_finite(halves, LK_F16, Int64(count)))
          var brains = [UInt16](repeating: 0x7F7F, count: count)
          #expect(lk_all_finite(brains, LK_BF16, Int64(count)))
          brains[place] = UInt16(bad.bitPattern >> 16) | (bad.isNaN ? 1 : 0)
          #expect(!lk_all_finite(brains, LK_BF16, Int64(count)))
        }
      }
    }
  }

  @Test("one thread and several give the same bits, also when many callers want the pool at once")
  func threads() async {
    var numbers = Numbers(12)
    let (m, n, k) = (70, 65, 130)
    let (x, weight) = (numbers.floats(m * k), numbers.floats(n * k))
    let before = lk_threads()
    defer { lk_set_threads(before) }
    for (set, kernels) in kernelSets.enumerated() {
      let (weights, title) = (packed(weight, n, k, as: LK_F32, by: kernels), kernels.title)
      let multiply = { @Sendable () -> [Float] in
        var y = [Float](repeating: 0, count: m * n)
        weights.withUnsafeBytes { bytes in
          x.withUnsafeBufferPointer { x in
            y.withUnsafeMutableBufferPointer { y in
              var arguments = lk_gemm_args(
                m: Int64(m), n: Int64(n), k: Int64(k), x: x.baseAddress, x_stride: Int64(k),
                packed: bytes.baseAddress, packed_type: LK_F32, layout: LK_MATRIX, bias: nil,
                residual: nil,
                residual_stride: 0, activation: LK_IDENTITY, y: y.baseAddress, y_stride: Int64(n))
              kernelSets[set].gemm(&arguments)
            }
          }
        }
        return y
      }
      lk_set_threads(1)
      let alone = multiply()
      lk_set_threads(3)
      #expect(multiply() == alone, "\(title)")
      await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<8 { group.addTask { (0..<5).allSatisfy { _ in multiply() == alone } } }
        for await isSame in group { #expect(isSame, "\(title)") }
      }
    }
  }

  @Test("the pool covers every item once, whatever the grain, and runs nested calls inline")
  func ranges() {
    final class Counts: @unchecked Sendable {
      let values: UnsafeMutablePointer<Int32>
      init(_ count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: 0, count: count)
      }
      deinit { values.deallocate() }
    }
    for count in [0, 1, 2, 7, 100] {
      for grain in [1, 3, 1000] {
        let counts = Counts(max(count, 1))
        lk_parallel_for(
          Int64(count), Int64(grain),
          { context, begin, end in
            let values = context?.assumingMemoryBound(to: Int32.self)
            for index in begin..<end {
              // A call from within runs on this thread.
              lk_parallel_for(
                1, 1, { one, _, _ in one?.assumingMemoryBound(to: Int32.self).pointee += 1 },
                values.map { UnsafeMutableRawPointer($0 + Int(index)) })
            }
          }, counts.values)
        #expect((0..<count).allSatisfy { counts.values[$0] == 1 }, "\(count) by \(grain)")
      }
    }
  }
}
