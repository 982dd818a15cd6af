/// What a PyTorch checkpoint's `data.pkl` says, read without running anything: Python's pickle protocol
/// (PEP 307, `pickletools.py`) as far as `torch.save` needs it for tensors. Classes and functions are
/// names here; those that make tensors are understood, all others are opaque.
struct TorchPickle {
  /// A tensor: whose bytes, and how it lies in them.
  struct Entry {
    let storage: String
    /// As safetensors spells it.
    let type: String
    let offset: Int
    let shape: [Int]
    let strides: [Int]
  }

  private final class Items {
    var values: [Value] = []
  }

  private indirect enum Value {
    case opaque
    case integer(Int)
    case text(String)
    case tuple([Value])
    case list(Items)
    /// Keys and values in turn.
    case dictionary(Items)
    case global(String)
    case storage(key: String, type: String)
    case tensor(Entry)
  }

  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private var position = 0
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]

  /// Reads all tensors of a checkpoint: of a dictionary, or of the one called `state_dict`, `model` or
  /// `params` in it.
  ///
  /// - Throws: ``FormatError/malformedCheckpoint(file:reason:)``.
  static func entries(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError)
    -> [(name: String, entry: Entry)]
  {
    var machine = TorchPickle(bytes: bytes, file: file)
    let top = try machine.run()
    let found = tensors(of: top)
    if !found.isEmpty { return found }
    for key in ["state_dict", "model", "params", "module"] {
      let inner = tensors(of: member(key, of: top))
      if !inner.isEmpty { return inner }
    }
    throw .malformedCheckpoint(file: file, reason: "it holds no tensors under names")
  }

  private init(bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  private static func tensors(of value: Value?) -> [(name: String, entry: Entry)] {
    guard case .dictionary(let items)? = value else { return [] }
    return stride(from: 0, to: items.values.count - 1, by: 2).compactMap { index in
      guard case .text(let name) = items.values[index],
        case .tensor(let entry) = items.values[index + 1]
      else { return nil }
      return (name, entry)
    }
  }

  private static func member(_ key: String, of value: Value) -> Value? {
    guard case .dictionary(let items) = value else { return nil }
    for index in stride(from: 0, to: items.values.count - 1, by: 2) {
      if case .text(key) = items.values[index] { return items.values[index + 1] }
    }
    return nil
  }

  // MARK: the machine

  private mutating func run() throws(FormatError) -> Value {
    while true {
      let code = try byte()
      switch code {
      case UInt8(ascii: "."): return try pop()
      case 0x80: _ = try byte()  // PROTO
      case 0x95: _ = try number(8)  // FRAME
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"): _ = try pop()
      case UInt8(ascii: "1"): _ = try popToMark()
      case UInt8(ascii: "2"): stack.append(try top())
      case UInt8(ascii: "N"), 0x88, 0x89: stack.append(.opaque)  // None, True, False
      case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
      case UInt8(ascii: "K"): stack.append(.integer(try number(1)))
      case UInt8(ascii: "M"): stack.append(.integer(try number(2)))
      case 0x8A: stack.append(try long(try number(1)))  // LONG1
      case 0x8B: stack.append(try long(try number(4)))  // LONG4
      case UInt8(ascii: "G"):  // a float
        _ = try text(8)
        stack.append(.opaque)
      case UInt8(ascii: "X"): stack.append(.text(try text(try number(4))))
      case 0x8C, UInt8(ascii: "U"): stack.append(.text(try text(try number(1))))
      case 0x8D: stack.append(.text(try text(try number(8))))
      case UInt8(ascii: "T"): stack.append(.text(try text(try number(4))))
      case UInt8(ascii: "B"), UInt8(ascii: "C"), 0x8E:  // bytes
        _ = try text(try number(code == 0x8E ? 8 : code == UInt8(ascii: "C") ? 1 : 4))
        stack.append(.opaque)
      case UInt8(ascii: ")"): stack.append(.tuple([]))
      case 0x85, 0x86, 0x87:  // TUPLE1, TUPLE2, TUPLE3
        let count = Int(code) - 0x84
        guard stack.count - (marks.last ?? 0) >= count else {
          throw broken("a tuple of too little")
        }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        stack.append(.tuple(values))
      case UInt8(ascii: "t"): stack.append(.tuple(try popToMark()))
      case UInt8(ascii: "]"): stack.append(.list(Items()))
      case UInt8(ascii: "}"): stack.append(.dictionary(Items()))
      case UInt8(ascii: "l"), UInt8(ascii: "d"):
        let items = Items()
        items.values = try popToMark()
        stack.append(code == UInt8(ascii: "l") ? .list(items) : .dictionary(items))
      case UInt8(ascii: "a"): add([try pop()])
      case UInt8(ascii: "e"): add(try popToMark())
      case UInt8(ascii: "s"):
        let value = try pop()
        add([try pop(), value])
      case UInt8(ascii: "u"): add(try popToMark())
      case UInt8(ascii: "q"): memo[try number(1)] = try top()
      case UInt8(ascii: "r"): memo[try number(4)] = try top()
      case 0x94: memo[memo.count] = try top()  // MEMOIZE
      case UInt8(ascii: "h"), UInt8(ascii: "j"):
        guard let value = memo[try number(code == UInt8(ascii: "h") ? 1 : 4)] else {
          throw broken("a reference to nothing")
        }
        stack.append(value)
      case UInt8(ascii: "c"): stack.append(.global("\(try line()).\(try line())"))
      case 0x93:  // STACK_GLOBAL
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
          throw broken("a name that is none")
        }
        stack.append(.global("\(module).\(name)"))
      case UInt8(ascii: "Q"): stack.append(try storage(try pop()))
      case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
        let arguments = try pop()
        stack.append(try call(try pop(), arguments))
      case UInt8(ascii: "b"): _ = try pop()  // BUILD: attributes
      default:
        throw broken("instruction \(code) at byte \(position - 1), which Lantern does not know")
      }
    }
  }

  /// What a function makes of its arguments: a tensor, a dictionary, or nothing that matters here.
  private func call(_ function: Value, _ arguments: Value) throws(FormatError) -> Value {
    guard case .global(let name) = function, case .tuple(let given) = arguments else {
      return .opaque
    }
    switch name {
    case "collections.OrderedDict": return .dictionary(Items())
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      return given.first ?? .opaque
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
      guard given.count >= 4, case .storage(let key, let type) = given[0],
        case .integer(let offset) = given[1], case .tuple(let sizes) = given[2],
        case .tuple(let steps) = given[3]
      else { throw broken("a tensor of something else") }
      func integers(_ values: [Value]) -> [Int] {
        values.compactMap { if case .integer(let number) = $0 { number } else { nil } }
      }
      let (shape, strides) = (integers(sizes), integers(steps))
      guard shape.count == sizes.count, strides.count == shape.count, strides.count == steps.count
      else { throw broken("a tensor without a shape") }
      return .tensor(
        Entry(storage: key, type: type, offset: offset, shape: shape, strides: strides))
    default: return .opaque
    }
  }

  private func storage(_ identity: Value) throws(FormatError) -> Value {
    guard case .tuple(let parts) = identity, parts.count >= 3, case .text("storage") = parts[0],
      case .global(let kind) = parts[1], case .text(let key) = parts[2]
    else { throw broken("a reference to something other than a storage") }
    let types = [
      "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "IntStorage": "I32",
      "ByteStorage": "U8", "LongStorage": "I64", "DoubleStorage": "F64", "ShortStorage": "I16",
      "CharStorage": "I8", "BoolStorage": "BOOL",
    ]
    let name = kind.split(separator: ".").last.map(String.init) ?? kind
    return .storage(key: key, type: types[name] ?? name)
  }

  // Mutating, so that it looks at the stack as it is after its argument was taken off.
  private mutating func add(_ values: [Value]) {
    switch stack.last {
    case .list(let items), .dictionary(let items): items.values += values
    default: break
    }
  }

  private mutating func popToMark() throws(FormatError) -> [Value] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw broken("no beginning") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private mutating func pop() throws(FormatError) -> Value {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw broken("nothing to take")
    }
    return value
  }

  private func top() throws(FormatError) -> Value {
    guard let value = stack.last else { throw broken("nothing to look at") }
    return value
  }

  private mutating func byte() throws(FormatError) -> UInt8 {
    guard position < bytes.count else { throw broken("it ends too soon") }
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func number(_ width: Int) throws(FormatError) -> Int {
    guard position <= bytes.count - width else { throw broken("it ends too soon") }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(bytes[position + index]) << (8 * UInt64(index)) }
    position += width
    guard let number = Int(exactly: value) else { throw broken("an absurd number") }
    return number
  }

  private mutating func long(_ width: Int) throws(FormatError) -> Value {
    guard width <= 8 else { throw broken("an absurd number") }
    let value = try number(width)
    // Two's complement of as many bytes as it took.
    let isNegative = width > 0 && width < 8 && value >> (8 * width - 1) == 1
    return .integer(isNegative ? value - 1 << (8 * width) : value)
  }

  private mutating func text(_ count: Int) throws(FormatError) -> String {
    guard count >= 0, position <= bytes.count - count else { throw broken("it ends too soon") }
    defer { position += count }
    return String(decoding: bytes[position..<position + count], as: UTF8.self)
  }

  private mutating func line() throws(FormatError) -> String {
    let rest = bytes[position...]
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw broken("it ends too soon")
    }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  private func broken(_ what: String) -> FormatError {
    .malformedCheckpoint(file: file, reason: "its pickle is damaged: \(what)")
  }
}
