/// Two benches of the same cells: what changed, and whether it is more than noise.
package struct BenchComparison {
  /// A cell of both.
  package struct Row {
    /// The sampler, the schedule and the steps.
    package let name: String
    /// New median of the seconds over the old one.
    package let secondsRatio: Double
    /// Whether the two spreads of seconds lie apart.
    package let isTimeBeyondNoise: Bool
    /// New median of the distances over the old one; nil where the old is 0.
    package let distanceRatio: Double?
    /// New accuracy less old; nil without a judge.
    package let accuracyChange: Double?
    /// Half of the 95 % interval of that.
    package let accuracyNoise: Double
  }

  /// Cells of both, in the order of the new one.
  package let rows: [Row]
  /// How many cells only one of both has.
  package let unmatched: Int
  /// What else is not the same, and may be the reason.
  package let differences: [String]

  /// Compares cells of the same name.
  package init(old: BenchResults, new: BenchResults) {
    var rows: [Row] = []
    for cell in new.cells where cell.refusal == nil {
      guard let before = old.cells.first(where: { $0.name == cell.name && $0.refusal == nil })
      else { continue }
      // One or two times say nothing of their spread.
      let isKnown = min(cell.seconds.count, before.seconds.count) > 2
      let apart =
        (cell.seconds.min() ?? 0) > (before.seconds.max() ?? 0)
        || (cell.seconds.max() ?? 0) < (before.seconds.min() ?? 0)
      let accuracies = [cell, before].compactMap { cell in
        cell.accuracy.map { ($0, Double(cell.judged.count)) }
      }
      // Two right and two wrong ones more, or none wrong would mean no doubt (Agresti & Coull
      // 1998).
      let variance = accuracies.reduce(0) { sum, found in
        let share = (found.0 * found.1 + 2) / (found.1 + 4)
        return sum + share * (1 - share) / (found.1 + 4)
      }
      rows.append(
        Row(
          name: cell.name,
          secondsRatio: (cell.medianSeconds ?? 0) / max(before.medianSeconds ?? 0, 1e-9),
          isTimeBeyondNoise: isKnown && apart,
          distanceRatio: before.medianDistance.flatMap { old in
            old > 0 ? cell.medianDistance.map { $0 / old } : nil
          },
          accuracyChange: accuracies.count == 2 ? accuracies[0].0 - accuracies[1].0 : nil,
          accuracyNoise: 1.96 * variance.squareRoot()))
    }
    self.rows = rows
    unmatched = old.cells.count + new.cells.count - 2 * rows.count
    differences = new.differences(from: old)
  }
}
