internal import CLanternKernels

/// The geometry of a 2-D convolution.
public struct ConvolutionWindow: Sendable, Equatable {
  /// Height and width of the kernel, in pixels.
  public var height: Int
  /// See ``height``.
  public var width: Int
  /// Step between outputs, in pixels.
  public var stride: Int
  /// Rows and columns of zeros before the first and after the last.
  public var padding: Padding
  /// How often each pixel of the input is repeated in both directions before: 1 or 2.
  public var upsampling: Int

  /// Zeros around the picture, in pixels.
  public enum Padding: Sendable, Equatable {
    /// The same number on all sides.
    case all(Int)
    /// One row below and one column to the right, as SD's VAE encoder halves a picture.
    case bottomRight
  }

  /// A square kernel.
  public init(_ size: Int, stride: Int = 1, padding: Padding = .all(0), upsampling: Int = 1) {
    self.height = size
    self.width = size
    self.stride = stride
    self.padding = padding
    self.upsampling = upsampling
  }

  /// Rows of zeros above, and columns to the left.
  package var before: Int {
    switch padding {
    case .all(let count): count
    case .bottomRight: 0
    }
  }

  /// Whether Winograd's F(2×2, 3×3) can do it.
  package var fitsWinograd: Bool {
    height == 3 && width == 3 && stride == 1 && padding == .all(1)
  }

  /// Pixels of the result along an axis of `size` pixels, for a kernel of `kernel`.
  package func outputSize(_ size: Int, _ kernel: Int) -> Int {
    let padded: Int =
      switch padding {
      case .all(let count): size * upsampling + 2 * count
      case .bottomRight: size * upsampling + 1
      }
    return padded < kernel ? 0 : (padded - kernel) / stride + 1
  }
}

extension Tensor {
  /// A 2-D convolution, channels-last: `activation(conv(self) + bias + batchBias) + residual`.
  ///
  /// Equals `torch.nn.Conv2d` (and `interpolate(mode: "nearest")` before it when upsampling).
  ///
  /// - Parameters:
  ///   - weight: `[output channel, height · width · channel]`; `self` is `[batch, height, width,
  ///     channel]`, f32.
  ///   - window: size, stride, padding and doubling.
  ///   - bias: `[output channel]`.
  ///   - batchBias: one bias per picture, `[batch, output channel]`.
  ///   - activation: applied before the residual is added.
  ///   - residual: added last; of the shape of the result, which overwrites it where it is uniquely
  ///     referenced.
  /// - Returns: `[batch, height, width, output channel]`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func conv2d(
    _ weight: PackedMatrix, _ window: ConvolutionWindow, bias: Tensor? = nil,
    batchBias: Tensor? = nil, activation: Activation = .identity, residual: consuming Tensor? = nil
  ) throws(TensorError) -> Tensor {
    let taps = window.height * window.width
    guard rank == 4, taps * shape[3] == weight.inputs else {
      throw .shape(
        op: "conv2d", expected: "[_, _, _, \(weight.inputs / max(taps, 1))]", found: shape)
    }
    let isOfItsWindow = weight.layout != LK_WINOGRAD_EARLY || window.fitsWinograd
    guard isOfItsWindow, weight.layout != LK_GATED else {
      throw .shape(
        op: "conv2d",
        expected: weight.layout == LK_GATED
          ? "a kernel, not gated weights, for the window"
          : "a window of 3×3, stride 1 and padding 1 for transformed kernels",
        found: [window.height, window.width, window.stride, window.before])
    }
    let x = try readable("conv2d")
    let target = [
      shape[0], window.outputSize(shape[1], window.height),
      window.outputSize(shape[2], window.width), weight.outputs,
    ]
    guard target[1] > 0, target[2] > 0 else {
      throw .shape(op: "conv2d", expected: "at least the kernel's size", found: shape)
    }
    let bias = try bias?.checked("conv2d bias", [weight.outputs])
    let batchBias = try batchBias?.checked("conv2d batch bias", [shape[0], weight.outputs])
    var added = try (consume residual)?.checked("conv2d residual", target)
    let y = try added.draftInPlace(or: target)
    var arguments = lk_conv_args(
      batch: Int64(shape[0]), height: Int64(shape[1]), width: Int64(shape[2]),
      channels: Int64(shape[3]), out_height: Int64(target[1]), out_width: Int64(target[2]),
      out_channels: Int64(weight.outputs), kernel_height: Int64(window.height),
      kernel_width: Int64(window.width), stride: Int64(window.stride),
      pad_top: Int64(window.before), pad_left: Int64(window.before),
      upsample: Int64(window.upsampling), x: x.floatPointer, packed: weight.bytes,
      packed_type: weight.form.kernelType, layout: weight.layout, scratch: nil,
      scratch_threads: lk_threads(), bias: bias?.floatPointer, batch_bias: batchBias?.floatPointer,
      residual: added?.floatPointer,
      activation: activation.kernel, y: y.floats)
    let scratchSize = lk_conv_scratch_bytes(&arguments)
    let scratch = scratchSize > 0 ? try Storage(byteCount: scratchSize) : nil
    arguments.scratch = scratch?.base
    withExtendedLifetime((x, weight, bias, batchBias, added, scratch)) {
      kernels.conv2d(&arguments)
    }
    let outputs = Int64(target.reduce(1, *))
    lk_work_add(
      2 * outputs * Int64(weight.inputs),
      4 * (Int64(elementCount) + outputs) + Int64(weight.byteCount))
    return y.tensor()
  }
}
