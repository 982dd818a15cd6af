import CLanternKernels
import Foundation
import Testing

/// How work is divided, and how its result is written, changes no bit of it.
@Suite struct DividedWorkTests {
  /// Floats at the edge of a cache line.
  private final class Aligned {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int, filled value: Float = .nan) {
      self.count = count
      pointer = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
        .bindMemory(to: Float.self, capacity: count)
      pointer.initialize(repeating: value, count: count)
    }

    deinit { pointer.deallocate() }

    func equals(_ other: Aligned) -> Bool {
      memcmp(pointer, other.pointer, 4 * count) == 0
    }
  }

  @Test("a task that keeps its rows for many columns gives what narrow tasks give")
  func keptRows() {
    var numbers = Numbers(31)
    // Tasks of many panels and of two, some of them not whole. Of all columns of a row, in one or two
    // blocks, or block after block.
    let (m, n, slice) = (180, 1290, 43)
    for k in [200, 400, 1290] {
      let (x, weight) = (numbers.floats(m * k), numbers.floats(n * k))
      for (kernels, type) in kernelSets.flatMap({ set in
        [LK_F32, LK_I16, LK_I8].map { (set, $0) }
      }) {
        let whole = withThreads(1) { multiplied(x, by: weight, n, k, as: type, kernels).values }
        for first in stride(from: 0, through: n - slice, by: 97) {
          let some = Array(weight[first * k..<(first + slice) * k])
          let part = multiplied(x, by: some, slice, k, as: type, kernels).values
          let same = (0..<m).allSatisfy { row in
            part[row * slice..<(row + 1) * slice]
              == whole[row * n + first..<row * n + first + slice]
          }
          #expect(same, "\(kernels.title) \(type), \(k) inputs, columns from \(first)")
        }
      }
    }
  }

  @Test("products of 32 MiB and more, written past the caches, are those of their halves")
  func streamedProducts() {
    let (rows, k) = (1026, 12)
    var numbers = Numbers(32)
    let x = Misaligned(numbers.floats(2 * rows * k))
    let columns = 4096
    let cases = [
      (columns, LK_MATRIX, LK_SILU, true), (columns, LK_MATRIX, LK_IDENTITY, true),
      (columns, LK_MATRIX, LK_IDENTITY, false), (2 * columns, LK_GATED, LK_GELU, false),
    ]
    for (n, layout, activation, isAdded) in cases {
      let (weight, bias) = (numbers.floats(n * k), Misaligned(numbers.floats(n)))
      for kernels in kernelSets {
        let (whole, halves) = (
          Aligned(count: 2 * rows * columns, filled: 0.5),
          Aligned(count: 2 * rows * columns, filled: 0.5)
        )
        packed(weight, n, k, as: LK_I16, by: kernels, layout: layout).withUnsafeBytes { bytes in
          for (y, first, count) in [(whole, 0, 2 * rows), (halves, 0, rows), (halves, rows, rows)] {
            var arguments = lk_gemm_args(
              m: Int64(count), n: Int64(n), k: Int64(k), x: x.pointer + first * k,
              x_stride: Int64(k), packed: bytes.baseAddress, packed_type: LK_I16, layout: layout,
              bias: bias.pointer, residual: isAdded ? y.pointer + first * columns : nil,
              residual_stride: Int64(columns), activation: activation,
              y: y.pointer + first * columns, y_stride: Int64(columns))
            kernels.gemm(&arguments)
          }
        }
        #expect(whole.equals(halves), "\(kernels.title) \(layout) \(activation) \(isAdded)")
      }
    }
  }

  @Test("convolutions of 32 MiB and more, written past the caches, are those of single pictures")
  func streamedConvolutions() {
    let (batch, side, channels) = (2, 520, 16)
    let size = side * side * channels
    var numbers = Numbers(33)
    let x = Misaligned(numbers.floats(batch * size))
    let weight = numbers.floats(channels * 9 * channels)
    for kernels in kernelSets {
      let (whole, single) = (Aligned(count: batch * size), Aligned(count: batch * size))
      packed(weight, channels, 9 * channels, as: LK_I16, by: kernels, layout: LK_WINOGRAD_EARLY)
        .withUnsafeBytes { bytes in
          for (y, first, count) in [(whole, 0, batch), (single, 0, 1), (single, 1, 1)] {
            var arguments = lk_conv_args(
              batch: Int64(count), height: Int64(side), width: Int64(side),
              channels: Int64(channels), out_height: Int64(side), out_width: Int64(side),
              out_channels: Int64(channels), kernel_height: 3, kernel_width: 3, stride: 1,
              pad_top: 1, pad_left: 1, upsample: 1, x: x.pointer + first * size,
              packed: bytes.baseAddress, packed_type: LK_I16, layout: LK_WINOGRAD_EARLY,
              scratch: nil,
              scratch_threads: lk_threads(), bias: nil, batch_bias: nil, residual: nil,
              activation: LK_IDENTITY, y: y.pointer + first * size)
            var scratch = [UInt8](repeating: 0, count: lk_conv_scratch_bytes(&arguments))
            scratch.withUnsafeMutableBytes {
              arguments.scratch = $0.baseAddress
              kernels.conv2d(&arguments)
            }
          }
        }
      #expect(whole.equals(single), "\(kernels.title)")
    }
  }
}
