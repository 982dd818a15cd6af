internal import CLanternKernels

/// Weights of a linear map or convolution, laid out once so that a matrix product streams them.
///
/// Panels of 32 outputs. Floating-point weights are multiplied in f32 whatever the form; integer
/// weights, with a scale for every output, are multiplied by activations quantized to 14 bits (8 bits for
/// ``Form/int8``, but for 3×3 filters that are transformed) of the largest in a row of 320, and
/// accumulators are exact; but on 64-bit ARM with f16 arithmetic 16-bit weights are multiplied as f16, in
/// accumulators of 32 that are folded into f32.
public struct PackedMatrix: Sendable {
  /// Features or channels it gives.
  public let outputs: Int
  /// Columns of the matrix: features it takes; for a convolution height · width · channel.
  public let inputs: Int
  /// What the weights are packed as.
  public let form: Form
  /// A matrix, a gated one, or 3×3 filters for Winograd's algorithm.
  let layout: lk_layout
  let storage: Storage
  /// Bytes that it takes.
  package let byteCount: Int

  /// Packs the weights of a linear map or of a convolution.
  ///
  /// Kernels of 3×3 convolutions, which have four axes and do for nothing else, are transformed for
  /// Winograd's algorithm as they are used, where it fits: that costs little where they are large and
  /// pictures small.
  ///
  /// - Parameters:
  ///   - weight: `[output, …]`, a convolution's `[output channel, height, width, channel]`, of a
  ///     floating-point type.
  ///   - form: what it is packed as; its own type when nil.
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless the type is floating-point;
  ///   ``TensorError/shape(op:expected:found:)`` without at least two axes.
  public init(_ weight: Tensor, as form: Form? = nil) throws(TensorError) {
    guard weight.rank >= 2, weight.elementCount > 0 else {
      throw .shape(op: "pack", expected: "[output, input]", found: weight.shape)
    }
    let isFilter = weight.rank == 4 && weight.shape[1] == 3 && weight.shape[2] == 3
    try self.init(weight, as: form, layout: isFilter ? LK_WINOGRAD_LATE : LK_MATRIX)
  }

  /// Packs the kernel of a 3×3 convolution of stride 1, transformed for Winograd's algorithm (Lavin &
  /// Gray 2016, arXiv:1509.09308), which multiplies 2.25 times less and takes 16 / 9 of the room.
  ///
  /// - Parameters:
  ///   - kernel: `[output channel, 3, 3, channel]`, of a floating-point type.
  ///   - form: what it is packed as.
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless the type is floating-point;
  ///   ``TensorError/shape(op:expected:found:)`` for a kernel of another size.
  public init(winograd kernel: Tensor, as form: Form) throws(TensorError) {
    guard kernel.rank == 4, kernel.shape[1] == 3, kernel.shape[2] == 3, kernel.elementCount > 0
    else {
      throw .shape(op: "pack for Winograd", expected: "[output, 3, 3, input]", found: kernel.shape)
    }
    try self.init(kernel, as: form, layout: LK_WINOGRAD_EARLY)
  }

  /// Packs the weights of the gated unit of feed-forward layers (GEGLU, SwiGLU; Shazeer 2020,
  /// arXiv:2002.05202).
  ///
  /// - Parameters:
  ///   - weight: `[2 · output, input]`, those of the values before those of the gates, of a
  ///     floating-point type.
  ///   - form: what it is packed as; its own type when nil.
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless the type is floating-point;
  ///   ``TensorError/shape(op:expected:found:)`` for another shape.
  public init(gated weight: Tensor, as form: Form? = nil) throws(TensorError) {
    guard weight.rank == 2, weight.shape[0] % 2 == 0, weight.elementCount > 0 else {
      throw .shape(op: "pack gated", expected: "[an even number, input]", found: weight.shape)
    }
    try self.init(weight, as: form, layout: LK_GATED)
  }

  /// Repacks a matrix of blocks, without decoding it, or two as a gated unit's. Pages of a file are released piece by
  /// piece, so that no matrix is in memory twice.
  ///
  /// - Parameters:
  ///   - blocks: `[output, input]` of a format that has a ``BlockFormat/packedForm``.
  ///   - gates: of the same shape and format, where the matrix is a gated unit's.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` for other shapes or formats.
  package init(blocks: StoredTensor, gates: StoredTensor? = nil) throws(TensorError) {
    guard let form = blocks.format.packedForm, let format = blocks.format.kernelFormat,
      blocks.shape.count == 2, blocks.shape.elementCount > 0,
      gates.map({ $0.shape == blocks.shape && $0.format.name == blocks.format.name }) ?? true
    else {
      throw .shape(op: "pack blocks", expected: "[output, input]", found: blocks.shape)
    }
    self.outputs = blocks.shape[0]
    self.inputs = blocks.shape[1]
    self.form = form
    self.layout = gates == nil ? LK_MATRIX : LK_GATED
    let (n, k) = (Int64(gates == nil ? outputs : 2 * outputs), Int64(inputs))
    self.byteCount = lk_packed_bytes(n, k, form.kernelType, layout)
    self.storage = try Storage(byteCount: byteCount, isLongLived: true)
    var arguments = lk_pack_blocks_args(
      blocks: blocks.blocks, gates: gates?.blocks, format: format, n: n, k: k, layout: layout,
      begin: 0, end: 0, packed: storage.base)
    let piece = max(1, Self.bytesOfPiece / max(1, 32 * blocks.bytes.count / outputs)) * 32
    for begin in stride(from: 0, to: outputs, by: piece) {
      (arguments.begin, arguments.end) = (Int64(begin), Int64(min(begin + piece, outputs)))
      withExtendedLifetime((blocks, gates)) { kernels.pack_blocks(&arguments) }
      for part in [blocks, gates] { part?.releasePages() }
    }
  }

  /// Bytes of blocks that are packed before their pages are released.
  package static let bytesOfPiece = 16 << 20

  /// Whether every weight is a finite number; known of integers alone, whose columns have scales.
  package var isFiniteEverywhere: Bool {
    guard form.arithmetic != .float32 else { return true }
    let rows = Int64(layout == LK_GATED ? 2 * outputs : outputs)
    return lk_packed_finite(bytes, rows, Int64(inputs), form.kernelType, layout)
  }

  private init(_ weight: Tensor, as form: Form?, layout: lk_layout) throws(TensorError) {
    guard weight.dtype.isFloatingPoint else {
      throw .dtype(op: "pack", expected: "f32, f16 or bf16", found: weight.dtype)
    }
    let source = try weight.contiguous()
    let rows = weight.shape[0]
    self.outputs = layout == LK_GATED ? rows / 2 : rows
    self.inputs = weight.elementCount / rows
    self.form = form ?? Form(weight.dtype)
    self.layout = layout
    let (n, k) = (Int64(rows), Int64(inputs))
    self.byteCount = lk_packed_bytes(n, k, self.form.kernelType, layout)
    self.storage = try Storage(byteCount: byteCount, isLongLived: true)
    var arguments = lk_pack_args(
      weight: source.bytes, from: weight.dtype.kernelType, scales: nil, n: n, k: k, row_stride: k,
      scale_stride: 0,
      layout: layout, transposed: false, packed: storage.base, to: self.form.kernelType)
    withExtendedLifetime(source) { kernels.pack(&arguments) }
  }

  /// What a matrix would be packed as: nothing is packed, and products with it are refused.
  ///
  /// - Parameters:
  ///   - outputs: that it would give.
  ///   - inputs: that it would take.
  ///   - form: what it would be packed as.
  ///   - isGated: whether it would be a gated unit's.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package init(planned outputs: Int, _ inputs: Int, as form: Form, isGated: Bool = false)
    throws(TensorError)
  {
    (self.outputs, self.inputs, self.form) = (outputs, inputs, form)
    self.layout = isGated ? LK_GATED : LK_MATRIX
    self.byteCount = lk_packed_bytes(
      Int64(isGated ? 2 * outputs : outputs), Int64(inputs), form.kernelType, layout)
    self.storage = try Storage(byteCount: 0)
  }

  /// Whether there are weights, and not only their sizes.
  var isPacked: Bool { storage.byteCount == byteCount }

  var bytes: UnsafeRawPointer { UnsafeRawPointer(storage.base) }
}
