import LanternTensor

/// The role of a tensor in an adapter's layer. Those with a name of their own in files have it as raw value.
enum AdapterRole: String, CaseIterable {
  case down, up, mid, bias, magnitude, embeddingDown, embeddingUp, saved, savedBias
  case alpha
  case doraScale = "dora_scale"
  case hadaW1A = "hada_w1_a"
  case hadaW1B = "hada_w1_b"
  case hadaW2A = "hada_w2_a"
  case hadaW2B = "hada_w2_b"
  case hadaT1 = "hada_t1"
  case hadaT2 = "hada_t2"
  case lokrW1 = "lokr_w1"
  case lokrW1A = "lokr_w1_a"
  case lokrW1B = "lokr_w1_b"
  case lokrW2 = "lokr_w2"
  case lokrW2A = "lokr_w2_a"
  case lokrW2B = "lokr_w2_b"
  case lokrT2 = "lokr_t2"
  case diff
  case diffB = "diff_b"
  case wNorm = "w_norm"
  case bNorm = "b_norm"

  /// The roles whose raw value ends a name in a file.
  static let namedAsInFiles = allCases.drop { $0 != .alpha }

  /// Whether a tensor of this role says how a product is scaled, what is added to a bias, or what replaces
  /// a weight.
  var isAdditional: Bool {
    [.alpha, .magnitude, .doraScale, .bias, .diffB, .bNorm, .saved, .savedBias].contains(self)
  }
}

/// A kind of adapter: which tensors a layer has, and what they add to a weight. One row for each.
struct AdapterKind: Sendable {
  /// Sets of roles, one of which a layer must have.
  let forms: [Set<AdapterRole>]
  /// Tensors whose first axis is the rank; the last one that is there counts. Without any the alpha has no
  /// effect.
  var rank: [AdapterRole] = []
  /// What is added to a weight of this shape, at scale 1; nil where the factors do not make that shape.
  let change:
    @Sendable (_ factors: [AdapterRole: Tensor], _ shape: [Int]) throws(TensorError) -> Tensor?

  /// The kinds.
  static let all: [AdapterKind] = [lora, embedding, loha, lokr, full, norm]

  /// The kind of a layer with these roles; nil where some are missing, or of another kind.
  static func of(_ roles: some Sequence<AdapterRole>) -> AdapterKind? {
    let roles = Set(roles.filter { !$0.isAdditional })
    return all.first { $0.forms.contains(roles) }
  }

  /// Up times down (LoRA, Hu et al. 2021, arXiv:2106.09685), or with a core between them: LoCon's Tucker
  /// decomposition (Yeh et al. 2023, arXiv:2309.14859).
  private static let lora = AdapterKind(
    forms: [[.down, .up], [.down, .mid, .up]], rank: [.down]
  ) { factors, shape throws(TensorError) in
    guard let down = factors[.down], let up = factors[.up], up.rank > 1, down.rank > 1 else {
      return nil
    }
    if let mid = factors[.mid] {
      let up = try up.reshaped([up.shape[0], -1]).transposed(0, 1)
      return try tucker(mid, down, up, shape)
    }
    // A convolution of 1×1 may stand for a matrix, and the other way round.
    let ranks = [up.shape[1], down.shape[0]]
    guard ranks[0] == ranks[1], up.shape[0] == shape[0],
      up.shape.dropFirst(2).allSatisfy({ $0 == 1 }),
      down.shape.dropFirst().filter({ $0 != 1 }) == shape.dropFirst().filter({ $0 != 1 })
    else { return nil }
    return try product(up, down, shape)
  }

  /// A table of vectors, whose factors PEFT has the other way round.
  private static let embedding = AdapterKind(
    forms: [[.embeddingDown, .embeddingUp]], rank: [.embeddingDown]
  ) { factors, shape throws(TensorError) in
    guard let down = factors[.embeddingDown], let up = factors[.embeddingUp], down.rank == 2,
      up.rank == 2, [down.shape[1], up.shape[0]] == shape, down.shape[0] == up.shape[1]
    else { return nil }
    return try down.transposed(0, 1).matmul(up.transposed(0, 1))
  }

  /// The elementwise product of two products (LoHa; Hyeon-Woo et al. 2021, arXiv:2108.06098).
  private static let loha = AdapterKind(
    forms: [
      [.hadaW1A, .hadaW1B, .hadaW2A, .hadaW2B],
      [.hadaW1A, .hadaW1B, .hadaW2A, .hadaW2B, .hadaT1, .hadaT2],
    ], rank: [.hadaW1B]
  ) { factors, shape throws(TensorError) in
    guard let first = try factor(factors[.hadaW1A], factors[.hadaW1B], factors[.hadaT1]),
      let second = try factor(factors[.hadaW2A], factors[.hadaW2B], factors[.hadaT2]),
      first.shape == second.shape, first.elementCount == shape.elementCount,
      first.shape[0] == shape[0]
    else { return nil }
    return try (first * second).reshaped(shape)
  }

  private static let firstOfLoKr: [Set<AdapterRole>] = [[.lokrW1], [.lokrW1A, .lokrW1B]]
  private static let secondOfLoKr: [Set<AdapterRole>] = [
    [.lokrW2], [.lokrW2A, .lokrW2B], [.lokrW2A, .lokrW2B, .lokrT2],
  ]

  /// The Kronecker product of two matrices, each whole or a product (LoKr; Yeh et al. 2023,
  /// arXiv:2309.14859). Its scale counts where one is a product.
  private static let lokr = AdapterKind(
    forms: firstOfLoKr.flatMap { first in secondOfLoKr.map(first.union) },
    rank: [.lokrW1B, .lokrW2B]
  ) { factors, shape throws(TensorError) in
    let first = try factor(factors[.lokrW1A], factors[.lokrW1B])
    let second = try factor(factors[.lokrW2A], factors[.lokrW2B], factors[.lokrT2])
    guard let first = factors[.lokrW1] ?? first, let second = factors[.lokrW2] ?? second,
      first.rank == 2, second.rank > 1,
      first.elementCount * second.elementCount == shape.elementCount,
      first.shape[0] * second.shape[0] == shape[0]
    else { return nil }
    let (rows, columns) = (first.shape[0], first.shape[1])
    return try first.reshaped([-1, 1]).matmul(second.reshaped([1, -1]))
      .reshaped([rows, columns, second.shape[0], -1]).permuted([0, 2, 1, 3]).reshaped(shape)
  }

  /// The difference as it is.
  private static let full = AdapterKind(forms: [[.diff]]) { factors, shape throws(TensorError) in
    try whole(factors[.diff], shape)
  }

  /// The same, of a norm.
  private static let norm = AdapterKind(forms: [[.wNorm]]) { factors, shape throws(TensorError) in
    try whole(factors[.wNorm], shape)
  }

  private static func whole(_ difference: Tensor?, _ shape: [Int]) throws(TensorError) -> Tensor? {
    guard let difference, difference.shape.filter({ $0 != 1 }) == shape.filter({ $0 != 1 }) else {
      return nil
    }
    return try difference.reshaped(shape)
  }

  /// `[outputs, inputs · height · width]` or, with a core, `[outputs, inputs, height, width]`; nil where
  /// they do not
  /// fit each other.
  private static func factor(
    _ a: Tensor?, _ b: Tensor?, _ core: Tensor? = nil
  ) throws(TensorError) -> Tensor? {
    guard let a, let b, a.rank > 1, b.rank > 1 else { return nil }
    if let core { return try tucker(core, b, a, nil) }
    guard a.rank == 2, a.shape[1] == b.shape[0] else { return nil }
    return try product(a, b, [a.shape[0], b.elementCount / max(b.shape[0], 1)])
  }

  /// The product of two matrices, whose further axes are joined.
  private static func product(_ a: Tensor, _ b: Tensor, _ shape: [Int]) throws(TensorError)
    -> Tensor
  {
    try a.reshaped([a.shape[0], b.shape[0]]).matmul(b.reshaped([b.shape[0], -1])).reshaped(shape)
  }

  /// Tucker's decomposition: Σ core[i, j, y, x] · b[j, r] · a[i, p] as `[p, r, y, x]`; nil where the factors
  /// do not fit each other, or make another shape.
  private static func tucker(
    _ core: Tensor, _ b: Tensor, _ a: Tensor, _ shape: [Int]?
  ) throws(TensorError) -> Tensor? {
    guard core.rank == 4, b.elementCount > 0, a.rank == 2, a.shape[0] == core.shape[0],
      b.shape[0] == core.shape[1], b.shape.dropFirst(2).allSatisfy({ $0 == 1 })
    else { return nil }
    let (outer, inputs) = (core.shape[0], b.shape[1])
    let result = [a.shape[1], inputs, core.shape[2], core.shape[3]]
    guard shape == nil || shape == result else { return nil }
    let first = try core.permuted([0, 2, 3, 1]).reshaped([-1, b.shape[0]])
      .matmul(b.reshaped([b.shape[0], inputs]))
    let columns = try first.reshaped([outer, -1, inputs]).permuted([0, 2, 1])
      .reshaped([outer, -1])
    return try a.transposed(0, 1).matmul(columns).reshaped(result)
  }
}
