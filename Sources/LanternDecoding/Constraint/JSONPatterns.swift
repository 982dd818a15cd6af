/// Parts of JSON as patterns of bytes.
enum JSONPatterns {
  /// White space that may stand between values: none, a space, or a new line with an indent.
  static let space = BytePattern.choice([
    .empty, .literal(" "),
    .sequence([.literal("\n"), .repeated(.byte([0x20...0x20, 0x09...0x09]), 0, 16)]),
  ])
  private static let digit = BytePattern.byte([0x30...0x39])
  private static let hexDigit = BytePattern.byte([0x30...0x39, 0x41...0x46, 0x61...0x66])

  /// An integer, of no more digits than a double has.
  static let integer = BytePattern.sequence([
    .optional(.literal("-")),
    .choice([.literal("0"), .sequence([.byte([0x31...0x39]), .repeated(digit, 0, 14)])]),
  ])
  /// A number that a double holds.
  static let number = BytePattern.sequence([
    integer, .optional(.sequence([.literal("."), .repeated(digit, 1, 15)])),
    .optional(
      .sequence([
        .byte([0x45...0x45, 0x65...0x65]), .optional(.byte([0x2B...0x2B, 0x2D...0x2D])),
        .repeated(digit, 1, 2),
      ])),
  ])

  /// A character within a string, in each of its spellings; surrogates are written out alone.
  static let character = BytePattern.choice([
    ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...ScalarSet.last]).pattern,
    .sequence([
      .literal("\\"),
      .choice([
        .byte("\"\\/bfnrt".utf8.map { $0...$0 }),
        .sequence([
          .literal("u"),
          .choice([
            .sequence([
              .byte([0x30...0x39, 0x41...0x43, 0x45...0x46, 0x61...0x63, 0x65...0x66]), hexDigit,
            ]),
            .sequence([.byte([0x44...0x44, 0x64...0x64]), .byte([0x30...0x37])]),
          ]), hexDigit, hexDigit,
        ]),
      ]),
    ]),
  ])

  /// A string of as many characters, each of a rule.
  static func string(_ character: BytePattern, _ least: Int = 0, _ most: Int? = nil) -> BytePattern
  {
    quoted(.repeated(character, least, most))
  }

  /// A string with something inside.
  static func quoted(_ inside: BytePattern) -> BytePattern {
    .sequence([.literal("\""), inside, .literal("\"")])
  }

  /// Values in brackets, with commas between them.
  ///
  /// - Parameters:
  ///   - first: what the array begins with.
  ///   - item: what may follow; nothing when nil.
  ///   - least: values at least.
  ///   - most: values at most.
  /// - Returns: the array.
  static func array(_ first: [BytePattern], _ item: BytePattern?, _ least: Int, _ most: Int?)
    -> BytePattern
  {
    let comma = BytePattern.sequence([.literal(","), space])
    // From the last value that may stand to the first.
    let count = min(first.count, most ?? first.count)
    var rest = BytePattern.empty
    if let item, (most ?? .max) > count {
      let more = { (least: Int, most: Int?) in
        BytePattern.repeated(.sequence([space, comma, item]), least, most)
      }
      let (low, high) = (max(0, least - count), most.map { $0 - count })
      if count > 0 {
        rest = more(low, high)
      } else {
        rest = .sequence([item, more(max(0, low - 1), high.map { $0 - 1 })])
        if low == 0 { rest = .optional(rest) }
      }
    }
    for index in (0..<count).reversed() {
      rest = .sequence([index > 0 ? .sequence([space, comma]) : .empty, first[index], rest])
      if index >= least { rest = .optional(rest) }
    }
    return .sequence([.literal("["), space, rest, space, .literal("]")])
  }

  /// Members in braces, in their order.
  ///
  /// - Parameter members: each with its key and colon, and whether it must be there.
  /// - Returns: the object.
  static func object(_ members: [(pattern: BytePattern, isRequired: Bool)]) -> BytePattern {
    let comma = BytePattern.sequence([space, .literal(","), space])
    func rest(behind index: Int) -> [BytePattern] {
      members[(index + 1)...].map { member in
        let next = BytePattern.sequence([comma, member.pattern])
        return member.isRequired ? next : .optional(next)
      }
    }
    let inside: BytePattern
    if let first = members.firstIndex(where: \.isRequired) {
      inside = .sequence(
        members[..<first].map { .optional(.sequence([$0.pattern, comma])) }
          + [members[first].pattern] + rest(behind: first))
    } else {
      // Any of them may be the first that is there.
      inside = .choice(
        [.empty] + members.indices.map { .sequence([members[$0].pattern] + rest(behind: $0)) })
    }
    return .sequence([.literal("{"), space, inside, space, .literal("}")])
  }

  /// Members of any keys.
  static func map(_ key: BytePattern, _ value: BytePattern) -> BytePattern {
    let member = BytePattern.sequence([key, space, .literal(":"), space, value])
    let more = BytePattern.repeated(.sequence([space, .literal(","), space, member]), 0, nil)
    return .sequence([
      .literal("{"), space, .optional(.sequence([member, more])), space, .literal("}"),
    ])
  }

  /// Any value; arrays and objects have values of a rule, strings characters of another.
  static func value(_ rule: BytePattern, _ character: BytePattern) -> BytePattern {
    .choice([
      .literal("null"), .literal("true"), .literal("false"), number, string(character),
      array([], rule, 0, nil), map(string(character), rule),
    ])
  }
}
