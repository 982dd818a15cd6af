/// The share of a task's questions, or of a subject's, that were answered rightly.
package struct EvaluationScore: Sendable, Equatable {
  /// Of what: a subject, or empty for the whole task.
  package let subject: String
  /// How it is counted: acc, acc_norm, or the name of a filter.
  package let metric: String
  /// Questions that were answered rightly, of how many.
  package let right: Int, count: Int
  /// The standard error of the share, as lm-evaluation-harness has it; nil where a subject has one question alone.
  package let standardError: Double?

  package var value: Double { Double(right) / Double(max(1, count)) }
  /// Between which shares that of all such questions lies, of 95 %.
  package var interval: ClosedRange<Double>? { Statistics.shareInterval(right, of: count) }

  /// - Parameters:
  ///   - subject: what it is called.
  ///   - metric: how it is counted.
  ///   - subjects: of each subject's questions, which were answered rightly; nil of none.
  init?(_ subject: String, _ metric: String, _ subjects: [[Bool]]) {
    guard !subjects.isEmpty else { return nil }
    (self.subject, self.metric) = (subject, metric)
    count = subjects.reduce(0) { $0 + $1.count }
    right = subjects.reduce(0) { $0 + $1.count(where: \.self) }
    // The variances of subjects pooled, over all questions.
    let squares = subjects.reduce(0.0) { sum, marks in
      let share = Double(marks.count(where: \.self)) / Double(max(1, marks.count))
      return sum + Double(marks.count) * share * (1 - share)
    }
    let freedom = Double(count - subjects.count)
    standardError =
      subjects.allSatisfy({ $0.count > 1 })
      ? (squares / freedom / Double(count)).squareRoot() : nil
  }
}
