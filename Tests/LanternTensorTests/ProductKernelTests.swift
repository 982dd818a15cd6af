import CLanternKernels
import Foundation
import Testing

/// Matrix products and convolutions of every instruction set against double precision.
@Suite struct ProductKernelTests {
  private static let sizes = [1, 2, 5, 13, 33, 64, 77, 130]

  @Test("matrix products of odd sizes, from misaligned rows, with bias, activation and residual")
  func products() {
    var numbers = Numbers(1)
    for (index, m) in Self.sizes.enumerated() {
      let n = Self.sizes[(index * 3 + 1) % Self.sizes.count]
      let k = Self.sizes[(index * 5 + 2) % Self.sizes.count] + 1
      let (x, bias) = (numbers.floats(m * k), numbers.floats(n))
      let (weight, residual) = (numbers.floats(n * k), numbers.floats(m * n))
      let ways = weightForms.flatMap { [($0, $1, LK_SILU), ($0, $1, LK_IDENTITY)] }
      for (type, tolerance, activation) in ways {
        let seen = rounded(weight, to: type)
        var first: Misaligned?
        let wanted = (0..<m * n).map { place in
          let (row, column) = (place / n, place % n)
          var sum = Double(bias[column])
          for i in 0..<k { sum += Double(x[row * k + i]) * Double(seen[column * k + i]) }
          let active = activation == LK_SILU ? sum / (1 + exp(-sum)) : sum
          return active + Double(residual[place])
        }
        for kernels in kernelSets {
          // The residual lies in the result's own place.
          let (from, y) = (Misaligned(x), Misaligned(residual))
          packed(weight, n, k, as: type, by: kernels).withUnsafeBytes { bytes in
            bias.withUnsafeBufferPointer { bias in
              var arguments = lk_gemm_args(
                m: Int64(m), n: Int64(n), k: Int64(k), x: from.pointer, x_stride: Int64(k),
                packed: bytes.baseAddress, packed_type: type, layout: LK_MATRIX,
                bias: bias.baseAddress, residual: y.pointer, residual_stride: Int64(n),
                activation: activation, y: y.pointer, y_stride: Int64(n))
              kernels.gemm(&arguments)
            }
          }
          let title = "\(kernels.title) \(m)×\(n)×\(k) \(type) \(activation)"
          expectNear(y, wanted, kernels.tolerance(type, tolerance), title)
          expectSame(y, first ?? y, kernels.tolerance(type, 2e-6), "\(title), beside portable")
          first = first ?? y
        }
      }
    }
  }

  private static func gelu(_ x: Double) -> Double { x * (1 + erf(x / 2.0.squareRoot())) / 2 }
  private static func geluTanh(_ x: Double) -> Double {
    x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
  }
  private static let gates: [(lk_unary, @Sendable (Double) -> Double)] = [
    (LK_GELU, gelu), (LK_GELU_TANH, geluTanh), (LK_SILU, { $0 / (1 + exp(-$0)) }),
  ]

  @Test(
    "gated products equal those of values times GELU or SiLU of gates, whatever the panels",
    arguments: gates.indices)
  func gatedProducts(kind: Int) {
    let (activation, function) = Self.gates[kind]
    var numbers = Numbers(7)
    for (m, half, k) in [(3, 1, 5), (9, 33, 20), (100, 350, 17), (5, 64, 300)] {
      let (x, weight) = (numbers.floats(m * k), numbers.floats(2 * half * k))
      let bias = numbers.floats(2 * half)
      for (type, tolerance) in weightForms {
        let seen = rounded(weight, to: type)
        func map(_ row: Int, _ column: Int) -> Double {
          (0..<k).reduce(Double(bias[column])) {
            $0 + Double(x[row * k + $1]) * Double(seen[column * k + $1])
          }
        }
        let wanted = (0..<m * half).map { place in
          let (row, column) = (place / half, place % half)
          return map(row, column) * function(map(row, half + column))
        }
        var first: Misaligned?
        for kernels in kernelSets {
          // With one thread a task takes several pairs of panels.
          let y = withThreads(half == 350 ? 1 : nil) {
            multiplied(
              x, by: weight, 2 * half, k, as: type, kernels, layout: LK_GATED, bias: bias,
              activation: activation)
          }
          let title = "\(kernels.title) \(m)×\(half)×\(k) \(type)"
          expectNear(y, wanted, 2 * kernels.tolerance(type, tolerance), title)
          expectSame(y, first ?? y, kernels.tolerance(type, 2e-6), "\(title), beside portable")
          first = first ?? y
        }
      }
    }
  }

  @Test("several panels to a task, several tasks, and several blocks of inputs")
  func wideProducts() {
    var numbers = Numbers(6)
    for (m, n, k) in [(3, 1500, 20), (200, 700, 10), (5, 33, 600)] {
      let (x, weight) = (numbers.floats(m * k), numbers.floats(n * k))
      for (type, tolerance) in weightForms {
        let seen = rounded(weight, to: type)
        let wanted = (0..<m * n).map { place in
          (0..<k).reduce(0.0) {
            $0 + Double(x[place / n * k + $1]) * Double(seen[place % n * k + $1])
          }
        }
        for kernels in kernelSets {
          let y = multiplied(x, by: weight, n, k, as: type, kernels)
          expectNear(
            y, wanted, kernels.tolerance(type, tolerance),
            "\(kernels.title) \(m)×\(n)×\(k) \(type)")
        }
      }
    }
  }

  @Test("products of int8 are exact where nothing has to be rounded")
  func exactProducts() {
    let (m, n, k) = (5, 34, 334)
    var numbers = Numbers(7)
    func whole(_ rows: Int) -> [Float] {
      (0..<rows).flatMap { _ in
        // The largest in each block of 320 makes the scale 1.
        numbers.floats(k, -126, 126).enumerated().map { $0 % 320 == 3 ? 127 : $1.rounded() }
      }
    }
    let (x, weight) = (whole(m), whole(n))
    let wanted = (0..<m * n).map { place in
      (0..<k).reduce(0.0) {
        $0 + Double(x[place / n * k + $1]) * Double(weight[place % n * k + $1])
      }
    }
    for kernels in kernelSets {
      let y = multiplied(x, by: weight, n, k, as: LK_I8, kernels)
      expectNear(y, wanted, 1e-7, kernels.title)
    }
  }

  @Test("every instruction set packs weights into the same bytes, but AMX those of 16 bits")
  func packing() {
    var numbers = Numbers(2)
    for (n, k) in [(1, 9), (31, 3 * 9), (33, 7 * 9), (64, 40 * 9), (34, 288 * 9)] {
      let weight = numbers.floats(n * k)
      for (type, _) in weightForms {
        for layout in [LK_MATRIX, LK_GATED, LK_WINOGRAD_LATE, LK_WINOGRAD_EARLY]
        where layout != LK_GATED || n % 2 == 0 {
          let all = kernelSets.filter { $0.isa != LK_AMX || type != LK_I16 }.map {
            packed(weight, n, k, as: type, by: $0, layout: layout)
          }
          #expect(all.allSatisfy { $0 == all[0] }, "\(n)×\(k) \(type) \(layout)")
        }
      }
    }
  }

  /// A convolution to try.
  struct Shape: Sendable {
    var height = 5
    var width = 7
    var channels = 3
    var outputs = 6
    var kernel = 3
    var stride = 1
    var padding = 1
    var bottomRight = false
    var upsample = 1

    var fitsWinograd: Bool { kernel == 3 && stride == 1 && padding == 1 && !bottomRight }

    var outHeight: Int { size(height) }
    var outWidth: Int { size(width) }

    private func size(_ count: Int) -> Int {
      let total = count * upsample + (bottomRight ? 1 : 2 * padding)
      return (total - kernel) / stride + 1
    }
  }

  @Test(
    "convolutions of odd sizes: strides, both paddings, doubled pictures",
    arguments: [
      Shape(), Shape(height: 1, width: 1, channels: 40, outputs: 33),
      Shape(channels: 40, outputs: 70),
      Shape(kernel: 1, padding: 0), Shape(channels: 17, outputs: 32, stride: 2),
      Shape(height: 6, width: 8, channels: 8, stride: 2, padding: 0, bottomRight: true),
      Shape(channels: 9, outputs: 35, upsample: 2), Shape(height: 2, width: 13, channels: 64),
      Shape(height: 11, width: 9, channels: 259, outputs: 37),
      Shape(height: 15, width: 14, channels: 17, outputs: 70),
      Shape(height: 8, width: 7, channels: 16, outputs: 33, upsample: 2),
      Shape(height: 8, width: 9, channels: 36, outputs: 355),
      Shape(height: 9, width: 8, channels: 288, outputs: 40),
      Shape(height: 9, width: 4, kernel: 5, padding: 2),
    ])
  func convolutions(shape: Shape) {
    let batch = 2
    let (h, w, c, o) = (shape.height, shape.width, shape.channels, shape.outputs)
    let (kernel, up) = (shape.kernel, shape.upsample)
    var numbers = Numbers(3)
    let x = numbers.floats(batch * h * w * c)
    let weight = numbers.floats(o * kernel * kernel * c)
    let (bias, batchBias) = (numbers.floats(o), numbers.floats(batch * o))
    let count = batch * shape.outHeight * shape.outWidth * o
    let residual = numbers.floats(count)
    let padding = shape.bottomRight ? 0 : shape.padding
    for (type, tolerance) in weightForms {
      let seen = rounded(weight, to: type)
      var first: [UInt32: Misaligned] = [:]
      var wanted: [Double] = []
      for place in 0..<count {
        let out = place % o
        let column = place / o % shape.outWidth
        let row = place / o / shape.outWidth % shape.outHeight
        let picture = place / o / shape.outWidth / shape.outHeight
        var sum = Double(bias[out]) + Double(batchBias[picture * o + out])
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            let y = row * shape.stride + ky - padding
            let z = column * shape.stride + kx - padding
            guard y >= 0, z >= 0, y < h * up, z < w * up else { continue }
            let source = ((picture * h + y / up) * w + z / up) * c
            let tap = ((out * kernel + ky) * kernel + kx) * c
            for i in 0..<c { sum += Double(x[source + i]) * Double(seen[tap + i]) }
          }
        }
        wanted.append(max(sum, 0) + Double(residual[place]))
      }
      // Filters transformed early are stored in f32 or as integers: f16 would be rounded once more.
      let isHalf = type == LK_F16 || type == LK_BF16
      let ways =
        [LK_MATRIX] + (shape.fitsWinograd ? [LK_WINOGRAD_LATE] : [])
        + (shape.fitsWinograd && !isHalf ? [LK_WINOGRAD_EARLY] : [])
      for (kernels, way) in kernelSets.flatMap({ set in ways.map { (set, $0) } }) {
        let (from, y) = (Misaligned(x), Misaligned(residual))
        var isTransformed = false
        packed(weight, o, kernel * kernel * c, as: type, by: kernels, layout: way)
          .withUnsafeBytes { bytes in
            bias.withUnsafeBufferPointer { bias in
              batchBias.withUnsafeBufferPointer { batchBias in
                var arguments = lk_conv_args(
                  batch: Int64(batch), height: Int64(h), width: Int64(w), channels: Int64(c),
                  out_height: Int64(shape.outHeight), out_width: Int64(shape.outWidth),
                  out_channels: Int64(o), kernel_height: Int64(kernel), kernel_width: Int64(kernel),
                  stride: Int64(shape.stride), pad_top: Int64(padding), pad_left: Int64(padding),
                  upsample: Int64(up), x: from.pointer, packed: bytes.baseAddress,
                  packed_type: type,
                  layout: way, scratch: nil, scratch_threads: 1,
                  bias: bias.baseAddress, batch_bias: batchBias.baseAddress, residual: y.pointer,
                  activation: LK_RELU, y: y.pointer)
                // With one thread a task takes several panels.
                withThreads(o >= 70 ? 1 : nil) {
                  arguments.scratch_threads = lk_threads()
                  let size = way == LK_MATRIX ? 0 : lk_conv_scratch_bytes(&arguments)
                  var scratch = [UInt8](repeating: 0xA5, count: size + 64)
                  scratch.withUnsafeMutableBytes {
                    arguments.scratch = size > 0 ? $0.baseAddress : nil
                    kernels.conv2d(&arguments)
                  }
                  #expect(scratch.suffix(64).allSatisfy { $0 == 0xA5 }, "wrote past its scratch")
                  isTransformed = size > 0
                }
              }
            }
          }
        let title = "\(kernels.title) \(shape) \(type) \(way)"
        // 8-bit filters that each call transforms are multiplied in 16 bits.
        let arithmetic = isTransformed && way == LK_WINOGRAD_LATE && type == LK_I8 ? LK_I16 : type
        let allowed = kernels.tolerance(arithmetic, tolerance) * (isTransformed ? 2 : 1)
        let same = kernels.tolerance(arithmetic, 4e-6)
        expectNear(y, wanted, allowed, title)
        expectSame(y, first[way.rawValue] ?? y, same, "\(title), beside portable")
        first[way.rawValue] = first[way.rawValue] ?? y
      }
    }
  }

  @Test("rows of zeros, of huge and of tiny numbers, and rows with NaN or infinity by themselves")
  func extremes() {
    let (n, k) = (35, 300)
    var numbers = Numbers(5)
    let weight = numbers.floats(n * k)
    let rows: [[Float]] = [
      [Float](repeating: 0, count: k), numbers.floats(k, -1e30, 1e30),
      numbers.floats(k, -1e-20, 1e-20),
      numbers.floats(k).enumerated().map { $0 == 270 ? .nan : $1 },
      numbers.floats(k).enumerated().map { $0 == 17 ? .infinity : $1 }, numbers.floats(k),
    ]
    for kernels in kernelSets {
      for (type, tolerance) in weightForms {
        let y = multiplied(rows.flatMap { $0 }, by: weight, n, k, as: type, kernels)
        let seen = rounded(weight, to: type)
        for (index, row) in rows.enumerated() {
          let found = Array(y.values[index * n..<(index + 1) * n])
          let title = "\(kernels.title) \(type) row \(index)"
          if row.allSatisfy(\.isFinite) {
            let wanted = (0..<n).map { column in
              (0..<k).reduce(0.0) { $0 + Double(row[$1]) * Double(seen[column * k + $1]) }
            }
            expectNear(Misaligned(found), wanted, kernels.tolerance(type, tolerance), title)
          } else {
            #expect(found.allSatisfy { !$0.isFinite }, "\(title)")
          }
        }
      }
    }
  }

  @Test(
    "plain f32 products are right in all four transpositions, with BLAS and without",
    arguments: [true, false])
  func plainProducts(byBLAS: Bool) {
    var numbers = Numbers(4)
    for (m, n, k) in [(1, 1, 1), (3, 17, 5), (33, 2, 64), (5, 70, 700), (2, 3, 0)] {
      let (a, b) = (numbers.floats(m * k), numbers.floats(k * n))
      for (aTransposed, bTransposed) in [
        (false, false), (true, false), (false, true), (true, true),
      ] {
        let wanted = (0..<m * n).map { place in
          let (row, column) = (place / n, place % n)
          return (0..<k).reduce(0.0) { sum, i in
            sum + Double(aTransposed ? a[i * m + row] : a[row * k + i])
              * Double(bTransposed ? b[column * k + i] : b[i * n + column])
          }
        }
        let y = Misaligned(count: m * n)
        var workspace = [UInt8](
          repeating: 0,
          count: lk_matmul_packed_bytes(Int64(m), Int64(n), Int64(k), aTransposed))
        let multiply = byBLAS ? lk_matmul : lk_matmul_packed
        multiply(
          Int64(m), Int64(n), Int64(k), a, Int64(aTransposed ? m : k), aTransposed, b,
          Int64(bTransposed ? k : n), bTransposed, y.pointer, Int64(n), &workspace)
        expectNear(y, wanted, 1e-5, "\(m)×\(n)×\(k) \(aTransposed) \(bTransposed)")
      }
    }
  }
}
