package import LanternTensor

/// A codec whose latents are codes of a table: pictures to tokens, which a transformer writes, and back.
package protocol TokenCodec: LatentCodec {
  /// Number of codes.
  var codebookSize: Int { get }
  /// Channels of ``features(of:)``.
  var featureChannels: Int { get }

  /// The features of a picture before quantization, which hold more than its codes.
  ///
  /// - Parameter picture: as for ``codes(of:)``.
  /// - Returns: `[1, position, channel]`, row by row.
  /// - Throws: ``TensorError`` for a wrong shape.
  func features(of picture: Tensor) throws(TensorError) -> Tensor

  /// The codes of a picture, row by row.
  ///
  /// - Parameter picture: `[1, height, width, 3]`, −1…1, sizes multiples of ``LatentCodec/downsampling``.
  /// - Returns: one code for each square of that many pixels.
  /// - Throws: ``TensorError`` for a wrong shape.
  func codes(of picture: Tensor) throws(TensorError) -> [Int]

  /// The picture that codes stand for.
  ///
  /// - Parameters:
  ///   - codes: row by row, each below ``codebookSize``.
  ///   - width: codes in a row; divides their number.
  /// - Returns: `[1, height, width, 3]` in pixels, about −1…1.
  /// - Throws: ``TensorError`` for a wrong number of codes or one outside the table.
  func decode(_ codes: [Int], width: Int) throws(TensorError) -> Tensor
}

extension TokenCodec {
  // Encoder and decoder are loaded with the model: captions need one as much as drawing the other.
  package func readEncoder() {}
  package func releaseEncoder() {}
}
