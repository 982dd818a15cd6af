internal import CLanternKernels

/// A storage format of a tensor's elements: blocks of so many bytes, little-endian, one behind the other
/// along the last axis.
///
/// What a file stores is one thing, what a product computes in (``PackedMatrix/Form``) another. A format
/// is a file in `Formats` and a row of ``all``; readers name formats, and ``StoredTensor`` decodes.
package struct BlockFormat: Sendable {
  /// As llama.cpp and PyTorch call it: `f16`, `f8_e4m3`, `q8_0`.
  package let name: String
  /// Elements that a block holds, of one row.
  package let blockElements: Int
  /// Bytes that a block takes.
  package let blockBytes: Int
  /// The smallest type of tensors that can hold all its numbers exactly.
  package let dtype: DType
  /// Writes the elements of blocks as f32; nil where tensors of ``dtype`` have elements that lie as the
  /// format has them.
  package let decode: Decoder?
  /// As the kernels call it; nil of a format that they do not know.
  let kernelFormat: lk_block_format?

  /// Reads `count` blocks, which may be unaligned, and writes `count * blockElements` numbers.
  package typealias Decoder =
    @Sendable (_ blocks: UnsafeRawPointer, _ count: Int, _ floats: UnsafeMutablePointer<Float>)
    -> Void

  /// A format of blocks.
  ///
  /// - Parameters:
  ///   - name: of the format.
  ///   - blockElements: of a block.
  ///   - blockBytes: of a block.
  ///   - dtype: f32, f16 or bf16, whichever is exact.
  ///   - decode: writes the elements of blocks.
  package init(
    _ name: String, blockElements: Int, blockBytes: Int, exactAs dtype: DType,
    decode: @escaping Decoder
  ) {
    self.name = name
    self.blockElements = blockElements
    self.blockBytes = blockBytes
    self.dtype = dtype
    self.decode = decode
    self.kernelFormat = nil
  }

  /// A format that the kernels decode.
  init(
    _ name: String, _ format: lk_block_format, blockElements: Int, blockBytes: Int,
    exactAs dtype: DType
  ) {
    self.name = name
    self.blockElements = blockElements
    self.blockBytes = blockBytes
    self.dtype = dtype
    self.decode = { kernels.decode(format, $0, Int64($1), $2) }
    self.kernelFormat = format
  }

  /// The format that tensors of a type have themselves, as files call it.
  init(elements dtype: DType, named name: String? = nil) {
    self.name = name ?? dtype.rawValue
    self.blockElements = 1
    self.blockBytes = dtype.byteSize
    self.dtype = dtype
    self.decode = nil
    self.kernelFormat = nil
  }

  /// The packed form that keeps blocks as they are; nil where matrices are packed from decoded numbers.
  package var packedForm: PackedMatrix.Form? {
    kernelFormat.flatMap(PackedMatrix.Form.init(blocks:))
  }

  /// Whether numbers can be stored in it: ``StoredTensor/init(encoding:as:)``.
  package var canEncode: Bool {
    guard let kernelFormat else { return decode == nil }
    var nothing: (Float, UInt8) = (0, 0)
    return kernels.encode(kernelFormat, &nothing.0, 0, &nothing.1)
  }

  /// One row for each file in `Formats`.
  package static let all: [BlockFormat] = [
    .bf16, .f16, .f32, .f8E4M3, .f8E5M2, .i32, .i8, .iq4_nl, .iq4_xs, .mxfp4, .q2_K, .q3_K, .q4_0,
    .q4_1,
    .q4_K,
    .q5_0, .q5_1, .q5_K, .q6_K, .q8_0, .tq1_0, .tq2_0, .u8,
  ]
}
