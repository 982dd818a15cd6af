package import LanternTensor

/// Attention of a text's tokens and a picture's over all of both, each with projections of its own: that of MM-DiT
/// (Esser et al. 2024, arXiv:2403.03206).
package struct JointAttention: Sendable {
  private let text: Attention
  private let picture: Attention
  private let projectsText: Bool

  /// Takes `to_q`, `to_k`, `to_v` and `to_out.0` of the picture, `add_q_proj`, `add_k_proj`, `add_v_proj` and `to_add_out` of
  /// the text, and the norms of both.
  ///
  /// - Parameters:
  ///   - weights: where its tensors are.
  ///   - features: of a token.
  ///   - heads: how many.
  ///   - headSize: features of each.
  ///   - bias: whether the projections have one.
  ///   - eps: added to the mean squares of queries and keys; nil where these are not normalised.
  ///   - projectsText: whether the text takes of both too, or is attended to alone.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, heads: Int, headSize: Int, bias: Bool, eps: Float?,
    projectsText: Bool = true
  ) throws(ModelError) {
    let norm = eps.map { Attention.Normalization.rmsNorm(eps: $0) }
    picture = try Attention(
      weights, features, heads: heads, headSize: headSize, bias: bias, outBias: bias, norm: norm,
      naming: .diffusers)
    text = try Attention(
      weights, features, heads: heads, headSize: headSize, bias: bias, outBias: bias, norm: norm,
      naming: .added(hasOutput: projectsText))
    self.projectsText = projectsText
  }

  /// What each stream takes of the other and of itself.
  ///
  /// - Parameters:
  ///   - streams: the tokens of both, `[batch, token, feature]`.
  ///   - turns: their positions; nil for attention that knows none.
  /// - Returns: the shapes of `streams`; the text as it is where it is attended to alone.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ streams: TextAndPicture<Tensor>, turns: TextAndPicture<RotaryEmbedding.Turn>? = nil
  ) throws(TensorError) -> TextAndPicture<Tensor> {
    let ofText = try text.keysAndValues(of: streams.text, turn: turns?.text)
    let ofPicture = try picture.keysAndValues(of: streams.picture, turn: turns?.picture)
    let all = Attention.KeysAndValues(
      keys: try Tensor.concatenated([ofText.keys, ofPicture.keys], axis: 1),
      values: try Tensor.concatenated([ofText.values, ofPicture.values], axis: 1))
    let drawn = try picture.attend(
      picture.queries(of: streams.picture, turn: turns?.picture), to: all)
    let read =
      projectsText
      ? try text.project(
        text.attend(text.queries(of: streams.text, turn: turns?.text), to: all)) : streams.text
    return TextAndPicture(text: read, picture: try picture.project(drawn))
  }
}

/// One of a text, and one of the picture that is drawn of it.
package struct TextAndPicture<Value: Sendable>: Sendable {
  package let text: Value
  package let picture: Value

  package init(text: Value, picture: Value) { (self.text, self.picture) = (text, picture) }
}
