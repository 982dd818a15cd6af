/// What a text is held to while it is written.
package enum TextForm: Sendable, Equatable {
  /// JSON that a schema allows; the schema's text.
  case schema(String)
  /// JSON that a schema allows, between two texts; several of it where there is a text to stand between them.
  case framed(schema: String, opening: String, separator: String?, closing: String)
  /// A regular expression in Python's syntax that the whole text matches.
  case regex(String)
  /// One of some texts.
  case choices([String])

  /// What errors call it.
  package var name: String {
    switch self {
    case .schema, .framed: "the schema"
    case .regex: "the regular expression"
    case .choices: "each of the choices"
    }
  }

  /// The grammar of the texts.
  ///
  /// - Throws: ``ConstraintError`` for what is wrong, not built, too large or never ends.
  package func grammar() throws(ConstraintError) -> ByteGrammar {
    switch self {
    case .schema(let text): try JSONSchema.grammar(text)
    case .framed(let schema, let opening, let separator, let closing):
      try JSONSchema.grammar(schema) { value in
        let more = separator.map { BytePattern.repeated(.sequence([.literal($0), value]), 0, nil) }
        return .sequence([.literal(opening), value, more ?? .empty, .literal(closing)])
      }
    case .regex(let text): try ByteGrammar([RegularExpression.whole(text)], name)
    case .choices(let texts): try ByteGrammar([.choice(texts.map(BytePattern.literal))], name)
    }
  }
}
