internal import CLanternKernels

/// The table of C kernels for this processor, chosen once at first use. The environment's
/// `LANTERN_ISA` (portable, avx2, avx512, avx512vnni, amx, neon, neondot, neonhalf) overrides the choice.
///
/// Unsafe only in name: a table of functions that nobody writes to.
nonisolated(unsafe) let kernels: lk_kernels = lk_kernels_best().pointee

/// Facts about the kernels, and their one setting.
public enum ComputeEngine {
  /// The instruction set in use: "portable", "avx2", "avx512", "avx512vnni", "amx", "neon", "neondot" or
  /// "neonhalf".
  public static var instructionSet: String { String(cString: kernels.name) }

  /// How many threads work on one operation, the caller's included; the processors by default.
  public static var threadCount: Int {
    get { Int(lk_threads()) }
    set { lk_set_threads(Int32(clamping: max(1, newValue))) }
  }

  /// Multiplies and adds in registers on all threads, as products do.
  ///
  /// - Returns: operations a second while threads had a processor, of all of them together.
  package static func spin(_ arithmetic: Arithmetic, rounds: Int) -> Double {
    kernels.spin(arithmetic.kernelType, Int64(rounds))
  }

  /// The arithmetic of linear maps, convolutions and attention since the process began, and the bytes
  /// of their arguments; a multiplication with its addition counts as two.
  package static var work: (operations: Int, bytes: Int) {
    var (operations, bytes): (Int64, Int64) = (0, 0)
    lk_work(&operations, &bytes)
    return (Int(operations), Int(bytes))
  }
}

extension DType {
  /// The kernels' name for a floating-point type.
  var kernelType: lk_dtype {
    switch self {
    case .float16: LK_F16
    case .bfloat16: LK_BF16
    case .float32, .int32, .uint8: LK_F32
    }
  }
}
