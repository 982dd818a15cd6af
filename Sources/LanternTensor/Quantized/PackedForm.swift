internal import CLanternKernels

extension PackedMatrix {
  /// The packed form of weights for matrix products: a row of ``all``.
  ///
  /// What a file stores is another thing, of formats.
  public struct Form: Sendable, Hashable {
    /// As the kernels' guide calls it.
    public let name: String
    /// What activations are quantized to, and packed weights are unpacked to, before both are multiplied.
    package let arithmetic: Arithmetic
    /// Of elements that are packed without rounding; nil where packing quantizes them.
    private let dtype: DType?
    let kernelType: lk_dtype

    private init(
      _ name: String, _ kernelType: lk_dtype, _ arithmetic: Arithmetic, exactFor dtype: DType? = nil
    ) {
      self.name = name
      self.kernelType = kernelType
      self.arithmetic = arithmetic
      self.dtype = dtype
    }

    /// f32, as it is.
    public static let float32 = Form("f32", LK_F32, .float32, exactFor: .float32)
    /// f16, multiplied as f32.
    public static let float16 = Form("f16", LK_F16, .float32, exactFor: .float16)
    /// bf16, multiplied as f32.
    public static let bfloat16 = Form("bf16", LK_BF16, .float32, exactFor: .bfloat16)
    /// 16-bit integers: 2.5e-4 off a product of random numbers, 1e-3 where they are multiplied as f16.
    public static let int16 = Form("i16", LK_I16, .int16)
    /// 8-bit integers: 1e-2 off.
    public static let int8 = Form("i8", LK_I8, .int8)
    /// 4-bit integers with one more scale for every 32, multiplied as 16-bit ones: 1e-1 off.
    public static let int4 = Form("i4", LK_I4, .int16)

    /// Blocks of ggml, repacked without decoding them: 4-bit integers with a step and an offset for every 32,
    /// multiplied as 16-bit ones. Of formats q4_0, q4_1 and q4_K.
    public static let blocks4 = Form("b4", LK_B4, .int16)
    /// As ``blocks4`` of 8 bits; of formats of up to 8 bits whose groups are of 32.
    public static let blocks8 = Form("b8", LK_B8, .int16)
    /// As ``blocks8`` with a step for every 16 and no offsets; of q3_K and q6_K.
    public static let blocks8By16 = Form("b8x16", LK_B8_16, .int16)

    /// The form in which blocks of a format are repacked; nil where they are decoded.
    init?(blocks format: lk_block_format) {
      let type = lk_blocks_type(format)
      guard
        let form = [Self.blocks4, .blocks8, .blocks8By16].first(where: { $0.kernelType == type })
      else { return nil }
      self = form
    }

    /// Every form that numbers are packed in.
    public static let all: [Form] = [.float32, .float16, .bfloat16, .int16, .int8, .int4]

    /// The form in which elements of a floating-point type are packed as they are.
    package init(_ dtype: DType) {
      self = Self.all.first { $0.dtype == dtype } ?? .float32
    }
  }
}
