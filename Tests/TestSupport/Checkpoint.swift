/// Writes files as `torch.save` does, but with anything in them: a ZIP archive that holds a pickle and
/// the bytes of storages.
package struct Checkpoint {
  /// The instructions of the pickle, after those that begin it and before the one that ends it.
  package var pickle: [UInt8] = []
  private var files: [(name: String, bytes: [UInt8])] = []

  package init() {}

  /// A checkpoint of a dictionary.
  ///
  /// - Parameters:
  ///   - members: instructions that push keys and values in turn.
  ///   - storage: the bytes of the storage `0`.
  package init(members: [[UInt8]], storage: [UInt8] = []) {
    pickle = Array("}(".utf8) + members.joined() + Array("u".utf8)
    add("a/data/0", storage)
  }

  /// Adds a file of the archive.
  package mutating func add(_ name: String, _ bytes: [UInt8]) { files.append((name, bytes)) }

  /// Pushes a text.
  package static func text(_ text: String) -> [UInt8] {
    [UInt8(ascii: "X")] + little(text.utf8.count, 4) + Array(text.utf8)
  }

  /// Pushes a whole number.
  package static func number(_ value: Int) -> [UInt8] {
    value < 1 << 31
      ? [UInt8(ascii: "J")] + little(value, 4) : [0x8A, 7] + little(value, 7)
  }

  /// Pushes a tensor in the storage `0`.
  package static func tensor(
    _ shape: [Int], _ strides: [Int], offset: Int = 0, type: String = "FloatStorage"
  ) -> [UInt8] {
    func tuple(_ values: [[UInt8]]) -> [UInt8] {
      [UInt8(ascii: "(")] + values.joined() + [UInt8(ascii: "t")]
    }
    func global(_ name: String) -> [UInt8] { Array("c\(name)\n".utf8) }
    let identity = tuple([
      text("storage"), global("torch\n\(type)"), text("0"), text("cpu"), number(1),
    ])
    let hooks: [UInt8] = global("collections\nOrderedDict") + Array(")R".utf8)
    let arguments: [[UInt8]] = [
      identity, Array("Q".utf8), number(offset), tuple(shape.map(number)),
      tuple(strides.map(number)), [0x89], hooks,
    ]
    return global("torch._utils\n_rebuild_tensor_v2") + tuple(arguments) + Array("R".utf8)
  }

  /// The whole file.
  ///
  /// - Parameter shift: bytes before the data of the first file, so that it lies askew.
  /// - Returns: its bytes.
  package func bytes(shift: Int = 0) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    let main: [UInt8] = [0x80, 2] + pickle + Array(".".utf8)
    let all = [(name: "a/data.pkl", bytes: main)] + files
    for (index, file) in all.enumerated() {
      let extra = index == 1 ? shift : 0
      let size = Self.little(file.bytes.count, 4)
      let name = Array(file.name.utf8)
      let start = archive.count
      archive += Self.little(0x0403_4B50, 4) + Self.zeros(14) + size + size
      archive += Self.little(name.count, 2) + Self.little(extra, 2) + name
      archive += Self.zeros(extra) + file.bytes
      directory += Self.little(0x0201_4B50, 4) + Self.zeros(16) + size + size
      directory += Self.little(name.count, 2) + Self.zeros(12) + Self.little(start, 4) + name
    }
    let count = Self.little(all.count, 2)
    var end = Self.little(0x0605_4B50, 4) + Self.zeros(4) + count + count
    end += Self.little(directory.count, 4) + Self.little(archive.count, 4) + Self.zeros(2)
    return archive + directory + end
  }

  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  private static func little(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
