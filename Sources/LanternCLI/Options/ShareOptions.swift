import ArgumentParser
import Lantern
import LanternFormats

/// Which pictures of a list this process draws, where several share it.
struct Share {
  /// This process, from 1.
  let number: Int
  let count: Int
  /// What says so; nil for the option.
  let variable: String?

  /// All of it.
  static let whole = Share(number: 1, count: 1, variable: nil)

  /// The pictures of a list that are drawn here: every `count`th, so that long and short ones are mixed.
  func indices(of total: Int) -> [Int] { Array(stride(from: number - 1, to: total, by: count)) }

  /// The share that the program's starter gives: Open MPI, MPICH and its kin, Slurm's steps and arrays.
  ///
  /// - Parameter variable: the environment.
  /// - Returns: the share; the whole where nothing says otherwise.
  static func environment(_ variable: (String) -> String? = HubCache.variable) -> Share {
    // A batch script of Slurm has a rank too, and is no step: it draws all.
    for (rank, size) in [
      ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
      ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ] {
      if let number = variable(rank).flatMap({ Int($0) }),
        let count = variable(size).flatMap({ Int($0) }),
        (0..<count).contains(number), count > 1
      {
        return Share(number: number + 1, count: count, variable: rank)
      }
    }
    let array = ["ID", "MIN", "STEP", "COUNT"].map {
      variable("SLURM_ARRAY_TASK_\($0)").flatMap { Int($0) }
    }
    if let id = array[0], let first = array[1], let count = array[3], id >= first, count > 1 {
      let (number, rest) = (id - first).quotientAndRemainder(dividingBy: max(1, array[2] ?? 1))
      if rest == 0, number < count {
        return Share(number: number + 1, count: count, variable: "SLURM_ARRAY_TASK_ID")
      }
    }
    return .whole
  }
}

/// What a prompt of several becomes, and who draws it.
struct ShareOptions: ParsableArguments {
  @Flag(
    help:
      "In prompts {a|b} is one of both, by the seed; the picture's file has the one that was drawn."
  )
  var variants = false

  @Option(
    help: ArgumentHelp(
      "Draw a part of the pictures, as 2/8 for the second of eight processes. (default: what mpirun or Slurm says, else 1/1)",
      valueName: "n/count"))
  var share: String?

  mutating func validate() throws { _ = try given() }

  /// The pictures that this process draws.
  func mine(of total: Int, _ console: Console) throws -> [Int] {
    let share = try given() ?? .environment()
    let mine = share.indices(of: total)
    if share.count > 1 {
      let source = share.variable.map { " (\($0))" } ?? ""
      console.report(
        "process \(share.number) of \(share.count)\(source): draws \(mine.count) of \(total)")
    }
    return mine
  }

  private func given() throws -> Share? {
    guard let share else { return nil }
    let parts = share.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], number >= 1,
      count >= number
    else { throw ValidationError("share \(share): give NUMBER/COUNT, as 1/4 to 4/4") }
    return Share(number: number, count: count, variable: nil)
  }
}
