import LanternSamplers
package import LanternTensor

/// One operation on made-up numbers, to be timed: what models are made of, at the sizes they have.
package enum KernelCase: Sendable, Equatable {
  /// `[rows, inputs]` to `[rows, outputs]`.
  case linear(rows: Int, inputs: Int, outputs: Int)
  /// `[batch, height, width, channels]` to `outputs` channels.
  case convolution(
    batch: Int, height: Int, width: Int, channels: Int, outputs: Int, window: ConvolutionWindow)
  /// Of several heads, each of `size` features.
  case attention(batch: Int, queries: Int, keys: Int, heads: Int, size: Int)

  /// The default cases: the shapes of Stable Diffusion 1.5 at 512×512.
  package static let `default` = [
    "linear 64x1280x1280", "linear 256x1280x1280", "linear 1024x640x5120", "linear 4096x320x320",
    "linear 8192x320x2560", "linear 8192x1280x320", "linear 77x768x768", "linear 2x1280x1280",
    "conv 2x64x64x320>320 k3", "conv 2x32x32x640>640 k3", "conv 2x16x16x1280>1280 k3",
    "conv 2x8x8x1280>1280 k3", "conv 1x256x256x256>256 k3", "conv 1x512x512x128>128 k3",
    "conv 2x32x32x640>640 k3 up2", "conv 2x64x64x320>320 k3 s2", "conv 2x64x64x960>320 k1",
    "attention 2x4096x4096x8x40", "attention 2x1024x1024x8x80", "attention 2x4096x77x8x40",
    "attention 1x4096x4096x1x512", "attention 1x77x77x12x64",
  ]

  /// Reads `linear MxKxN`, `conv BxHxWxC>N k3 [s2] [up2]` or `attention BxQxKxHEADSxSIZE`.
  package init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    guard words.count >= 2 else { return nil }
    let sizes = words[1].split(whereSeparator: { $0 == "x" || $0 == ">" }).map { Int($0) ?? 0 }
    guard sizes.allSatisfy({ (1...1 << 20).contains($0) }) else { return nil }
    switch (words[0], sizes.count, words.count) {
    case ("linear", 3, 2):
      self = .linear(rows: sizes[0], inputs: sizes[1], outputs: sizes[2])
    case ("attention", 5, 2):
      self = .attention(
        batch: sizes[0], queries: sizes[1], keys: sizes[2], heads: sizes[3], size: sizes[4])
    case ("conv", 5, 3...):
      guard let window = Self.window(words.dropFirst(2)) else { return nil }
      self = .convolution(
        batch: sizes[0], height: sizes[1], width: sizes[2], channels: sizes[3], outputs: sizes[4],
        window: window)
    default: return nil
    }
  }

  /// The arithmetic that its products are done in, if it is of a size that models have.
  package func arithmetic(_ precision: Precision) -> Arithmetic {
    switch self {
    case .linear: return precision.arithmetic
    case .attention: return precision.arithmeticOfActivations
    case .convolution(_, _, _, _, _, let window):
      return window.fitsWinograd ? precision.arithmeticOfActivations : precision.arithmetic
    }
  }

  private static func window(_ words: ArraySlice<String>) -> ConvolutionWindow? {
    var (size, stride, upsampling) = (0, 1, 1)
    for word in words {
      switch word {
      case "k1": size = 1
      case "k3": size = 3
      case "s2": stride = 2
      case "up2": upsampling = 2
      default: return nil
      }
    }
    return size == 0
      ? nil
      : ConvolutionWindow(
        size, stride: stride, padding: .all(size / 2), upsampling: upsampling)
  }

  /// The operation, its arguments made.
  ///
  /// - Throws: ``TensorError`` for sizes that cannot be.
  func prepared(_ precision: Precision) throws -> () throws -> Void {
    switch self {
    case .linear(let rows, let inputs, let outputs):
      let weight = try PackedMatrix(
        Self.numbers([outputs, inputs]),
        as: precision.form(of: .float32, inputs: inputs, outputs: outputs))
      let x = try Self.numbers([rows, inputs])
      return { _ = try x.linear(weight) }
    case .convolution(let batch, let height, let width, let channels, let outputs, let window):
      let kernel = try Self.numbers([outputs, window.height, window.width, channels])
      let form = precision.winogradForm(inputs: channels, outputs: outputs)
      let weight =
        if window.fitsWinograd, let form {
          try PackedMatrix(winograd: kernel, as: form)
        } else {
          try PackedMatrix(
            kernel, as: precision.form(of: .float32, inputs: channels, outputs: outputs))
        }
      let x = try Self.numbers([batch, height, width, channels])
      return { _ = try x.conv2d(weight, window) }
    case .attention(let batch, let queries, let keys, let heads, let size):
      let q = try Self.numbers([batch, queries, heads * size])
      let k = try Self.numbers([batch, keys, heads * size])
      let v = try Self.numbers([batch, keys, heads * size])
      return { _ = try LanternTensor.attention(q, k, v, heads: heads, precision: precision) }
    }
  }

  /// Normal numbers, one row repeated: times do not depend on values.
  private static func numbers(_ shape: [Int]) throws -> Tensor {
    var noise = NoiseSource(seed: 1)
    let some = try noise.normal([1, 1, 4099, 1]).floats()
    let count = shape.reduce(1, *)
    return try Tensor((0..<count).map { some[$0 % some.count] }, shape: shape)
  }
}

/// The times of single operations.
package struct KernelBench {
  /// An operation, measured.
  package struct Row {
    /// As it was requested.
    package let name: String
    /// Of each run.
    package let seconds: [Double]
    /// Multiplications and additions of one run, by the textbook.
    package let operations: Int
    /// Of the arguments.
    package let bytes: Int

    /// The median of the seconds.
    package var median: Double { seconds.sorted()[seconds.count / 2] }
  }

  /// Times an operation; the first of one more run is not counted.
  ///
  /// - Throws: ``TensorError`` for sizes that cannot be.
  package static func measure(
    _ name: String, _ shape: KernelCase, _ precision: Precision, runs: Int
  )
    throws -> Row
  {
    let run = try shape.prepared(precision)
    let before = ComputeEngine.work
    try run()
    let after = ComputeEngine.work
    return Row(
      name: name, seconds: try (0..<runs).map { _ in try time(of: run) },
      operations: after.operations - before.operations, bytes: after.bytes - before.bytes)
  }
}
