/// What a text is held to while it is written.
package enum TextForm: Sendable, Equatable {
  /// JSON that a schema allows; the schema's text.
  case schema(String)
  /// A regular expression in Python's syntax that the whole text matches.
  case regex(String)
  /// One of some texts.
  case choices([String])

  /// What errors call it.
  package var name: String {
    switch self {
    case .schema: "the schema"
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
    case .regex(let text): try ByteGrammar([RegularExpression.whole(text)], name)
    case .choices(let texts): try ByteGrammar([.choice(texts.map(BytePattern.literal))], name)
    }
  }
}
