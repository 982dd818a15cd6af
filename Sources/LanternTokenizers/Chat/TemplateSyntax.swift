/// An expression of a chat template.
struct TemplateExpression: Sendable {
  let kind: Kind
  let line: Int
  /// Expressions within one another, at the deepest: what evaluates or frees them recurses.
  let height: Int

  enum Binary: Sendable { case add, subtract, multiply, divide, floorDivide, modulo, power }
  enum Unary: Sendable { case not, negative, positive }
  enum Comparison: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn
  }
  enum Constant: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case text(TemplateText)
  }

  indirect enum Kind: Sendable {
    case constant(Constant)
    case name(String)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dict(keys: [TemplateExpression], values: [TemplateExpression])
    case unary(Unary, TemplateExpression)
    case binary(Binary, TemplateExpression, TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case compare(TemplateExpression, [(Comparison, TemplateExpression)])
    case concatenation([TemplateExpression])
    case conditional(if: TemplateExpression, then: TemplateExpression, else: TemplateExpression?)
    case attribute(TemplateExpression, String)
    case item(TemplateExpression, TemplateExpression)
    /// Start, stop and step.
    case slice(TemplateExpression, [TemplateExpression?])
    case call(TemplateExpression, Arguments)
    case filter(TemplateExpression, String, Arguments)
    case test(TemplateExpression, String, Arguments)
  }

  /// What a function is called with.
  struct Arguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []

    var all: [TemplateExpression] { positional + named.map(\.value) }
  }
}

/// A statement of a chat template.
indirect enum TemplateStatement: Sendable {
  case text(TemplateText)
  case output(TemplateExpression)
  case condition([(test: TemplateExpression, body: [TemplateStatement])], else: [TemplateStatement])
  case loop(Loop)
  case set(Target, TemplateExpression)
  /// `{% set name | filters %}…{% endset %}`.
  case capture(Target, Filtered)
  /// `{% filter filters %}…{% endfilter %}`.
  case filtered(Filtered)
  case macro(Macro)
  /// `{% generation %}`: what transformers may mark as the model's own.
  case block([TemplateStatement])
  case leaveLoop
  case nextItem

  enum Target: Sendable {
    case name(String)
    case names([String])
    case attribute(of: String, String)
  }

  struct Loop: Sendable {
    let target: Target
    let items: TemplateExpression
    let test: TemplateExpression?
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
  }

  /// Statements whose output filters are put on.
  struct Filtered: Sendable {
    let filters: [(name: String, arguments: TemplateExpression.Arguments, line: Int)]
    let body: [TemplateStatement]
  }

  final class Macro: Sendable {
    let name: String
    let parameters: [(name: String, default: TemplateExpression?)]
    let body: [TemplateStatement]

    init(
      _ name: String, _ parameters: [(name: String, default: TemplateExpression?)],
      _ body: [TemplateStatement]
    ) {
      (self.name, self.parameters, self.body) = (name, parameters, body)
    }
  }
}
