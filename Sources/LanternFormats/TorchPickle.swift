/// What a PyTorch checkpoint's `data.pkl` says, read without running anything: Python's pickle protocol
/// (PEP 307, `pickletools.py`) as far as `torch.save` needs it for tensors. Classes and functions are
/// names here; those that make tensors are understood, all others are opaque.
struct TorchPickle {
  /// A tensor: its storage, offset, shape and strides.
  struct Entry {
    let storage: String
    /// The class of its storage or, where that has no type, the name of its own, without their modules.
    let type: String
    let offset: Int
    let shape: [Int]
    let strides: [Int]
  }

  enum Value {
    case opaque
    case boolean(Bool)
    case integer(Int)
    case text(String)
    case tuple(Items)
    case list(Items)
    /// Keys and values in turn.
    case dictionary(Items)
    case global(String)
    indirect case storage(key: String, type: String)
    indirect case tensor(Entry)
  }

  /// The index of a tuple, list or dictionary in ``items``. Values hold no others, so that however
  /// deep they nest, and be it in themselves, nothing that is done with one is recursive.
  struct Items {
    let number: Int
  }

  /// Bytes of a class's or a storage's name.
  private static let longestName = 1000

  /// A storage that tensors name.
  struct Claim {
    let type: String
    let count: Int
  }

  private let bytes: UnsafeRawBufferPointer
  let file: String
  private(set) var position = 0
  /// By their keys.
  private(set) var claims: [String: Claim] = [:]
  private(set) var items: [[Value]] = []
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]

  /// Reads all tensors of a checkpoint: of a dictionary, or of the one called `state_dict`, `model`,
  /// `params_ema` or `params` in it; of textual inversion's `string_to_param`, and of a list of dictionaries,
  /// with their key or number and a dot in front.
  ///
  /// - Throws: ``FormatError/malformedCheckpoint(file:reason:)``.
  static func content(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) -> Content
  {
    var machine = TorchPickle(bytes: bytes, file: file)
    let top = try machine.run()
    return try machine.content(of: top)
  }

  init(bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  // MARK: the machine

  /// Runs the instructions of a pickle until STOP. Each of the four groups says whether an instruction is one
  /// of its own.
  mutating func run() throws(FormatError) -> Value {
    (stack, marks, memo) = ([], [], [:])
    while true {
      let code = try byte()
      if code == UInt8(ascii: ".") { return try pop() }
      if try runStack(code) { continue }
      if try runScalar(code) { continue }
      if try runCollection(code) { continue }
      if try runObject(code) { continue }
      throw broken("instruction \(code) at byte \(position - 1), which Lantern does not know")
    }
  }

  /// Framing, marks, the stack and the memo.
  private mutating func runStack(_ code: UInt8) throws(FormatError) -> Bool {
    switch code {
    case 0x80: _ = try byte()  // PROTO
    case 0x95: _ = try number(8)  // FRAME
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "q"): memo[try number(1)] = try top()
    case UInt8(ascii: "r"): memo[try number(4)] = try top()
    case 0x94: memo[memo.count] = try top()  // MEMOIZE
    case UInt8(ascii: "h"), UInt8(ascii: "j"):
      guard let value = memo[try number(code == UInt8(ascii: "h") ? 1 : 4)] else {
        throw broken("a reference to nothing")
      }
      stack.append(value)
    default: return false
    }
    return true
  }

  /// None, booleans, numbers, texts and bytes.
  private mutating func runScalar(_ code: UInt8) throws(FormatError) -> Bool {
    switch code {
    case UInt8(ascii: "N"): stack.append(.opaque)  // None
    case 0x88, 0x89: stack.append(.boolean(code == 0x88))  // True, False
    case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case UInt8(ascii: "K"): stack.append(.integer(try number(1)))
    case UInt8(ascii: "M"): stack.append(.integer(try number(2)))
    case 0x8A: stack.append(try long(try number(1)))  // LONG1
    case 0x8B: stack.append(try long(try number(4)))  // LONG4
    case UInt8(ascii: "G"):  // a float
      try skip(8)
      stack.append(.opaque)
    case UInt8(ascii: "X"): stack.append(.text(try text(try number(4))))
    case 0x8C, UInt8(ascii: "U"): stack.append(.text(try text(try number(1))))
    case 0x8D: stack.append(.text(try text(try number(8))))
    case UInt8(ascii: "T"): stack.append(.text(try text(try number(4))))
    case UInt8(ascii: "B"), UInt8(ascii: "C"), 0x8E:  // bytes
      try skip(try number(code == 0x8E ? 8 : code == UInt8(ascii: "C") ? 1 : 4))
      stack.append(.opaque)
    default: return false
    }
    return true
  }

  /// Tuples, lists and dictionaries.
  private mutating func runCollection(_ code: UInt8) throws(FormatError) -> Bool {
    switch code {
    case UInt8(ascii: ")"): stack.append(.tuple(new([])))
    case 0x85, 0x86, 0x87:  // TUPLE1, TUPLE2, TUPLE3
      let count = Int(code) - 0x84
      guard stack.count - (marks.last ?? 0) >= count else {
        throw broken("a tuple of too little")
      }
      stack.append(.tuple(new(popLast(count))))
    case UInt8(ascii: "t"): stack.append(.tuple(new(try popToMark())))
    case UInt8(ascii: "]"): stack.append(.list(new([])))
    case UInt8(ascii: "}"): stack.append(.dictionary(new([])))
    case UInt8(ascii: "l"): stack.append(.list(new(try popToMark())))
    case UInt8(ascii: "d"): stack.append(.dictionary(new(try popToMark())))
    case UInt8(ascii: "a"): add([try pop()])
    case UInt8(ascii: "e"): add(try popToMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      add([try pop(), value])
    case UInt8(ascii: "u"): add(try popToMark())
    default: return false
    }
    return true
  }

  /// Names of classes, references to storages, calls and attributes.
  private mutating func runObject(_ code: UInt8) throws(FormatError) -> Bool {
    switch code {
    case UInt8(ascii: "c"): stack.append(.global("\(try line()).\(try line())"))
    case 0x93:  // STACK_GLOBAL
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw broken("a name that is none")
      }
      // One text may be named again and again.
      guard module.utf8.count + name.utf8.count <= Self.longestName else {
        throw broken("a name too long")
      }
      stack.append(.global("\(module).\(name)"))
    case UInt8(ascii: "Q"): stack.append(try storage(try pop()))
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      let arguments = try pop()
      stack.append(try call(try pop(), arguments))
    case UInt8(ascii: "b"):
      // BUILD: attributes, which stand for an object of an unknown class.
      let state = try pop()
      if case .dictionary = state, case .opaque = try top() { stack[stack.count - 1] = state }
    default: return false
    }
    return true
  }

  /// What a function makes of its arguments: a tensor, a dictionary, or nothing that matters here.
  private mutating func call(_ function: Value, _ arguments: Value) throws(FormatError) -> Value {
    guard case .global(let name) = function, case .tuple(let tuple) = arguments else {
      return .opaque
    }
    let given = items[tuple.number]
    switch name {
    case "collections.OrderedDict": return .dictionary(new([]))
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      return given.first ?? .opaque
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
      "torch._utils._rebuild_tensor_v3":
      guard given.count >= 4, case .storage(let key, let type) = given[0],
        case .integer(let offset) = given[1], case .tuple(let sizes) = given[2],
        case .tuple(let steps) = given[3]
      else { throw broken("a tensor of something else") }
      let (shape, strides) = (try integers(sizes), try integers(steps))
      guard shape.count == strides.count else { throw broken("a tensor without a shape") }
      // Storages of types that are younger than typed storages have none: the seventh argument is it.
      var own = type
      if name.hasSuffix("v3"), given.count >= 7, case .global(let dtype) = given[6] {
        own = Self.lastName(dtype)
      }
      return .tensor(
        Entry(storage: key, type: own, offset: offset, shape: shape, strides: strides))
    default: return .opaque
    }
  }

  private func integers(_ tuple: Items) throws(FormatError) -> [Int] {
    // More than any tensor has axes, and few enough to read again for each that names this tuple.
    guard items[tuple.number].count <= 64 else { throw broken("a tensor of absurdly many axes") }
    return try items[tuple.number].map { value throws(FormatError) in
      guard case .integer(let number) = value else { throw broken("a tensor without a shape") }
      return number
    }
  }

  private mutating func storage(_ identity: Value) throws(FormatError) -> Value {
    guard case .tuple(let tuple) = identity else {
      throw broken("a reference to something other than a storage")
    }
    let parts = items[tuple.number]
    guard parts.count >= 3, case .text("storage") = parts[0],
      case .global(let kind) = parts[1], case .text(let key) = parts[2],
      key.utf8.count <= Self.longestName
    else { throw broken("a reference to something other than a storage") }
    let type = Self.lastName(kind)
    if parts.count > 4, case .integer(let count) = parts[4] {
      claims[key] = Claim(type: type, count: count)
    }
    // Before PyTorch 0.4 a storage could be a part of another.
    if parts.count > 5, case .tuple = parts[5] { throw broken("a storage within another") }
    return .storage(key: key, type: type)
  }

  /// A name without its module.
  private static func lastName(_ name: String) -> String {
    name.split(separator: ".").last.map(String.init) ?? name
  }

  private mutating func new(_ values: [Value]) -> Items {
    items.append(values)
    return Items(number: items.count - 1)
  }

  // Mutating, so that it looks at the stack as it is after its argument was taken off.
  private mutating func add(_ values: [Value]) {
    switch stack.last {
    case .list(let target), .dictionary(let target): items[target.number] += values
    default: break
    }
  }

  private mutating func popToMark() throws(FormatError) -> [Value] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw broken("no beginning") }
    return popLast(stack.count - mark)
  }

  /// Takes off values one by one: while a slice of the stack lives, to change the stack is to copy it.
  private mutating func popLast(_ count: Int) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    for index in stack.count - count..<stack.count { values.append(stack[index]) }
    stack.removeLast(count)
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
    if width >= 8 {
      // No size or offset of a tensor; a seed may be one.
      try skip(width)
      return .opaque
    }
    let value = try number(width)
    // Two's complement of as many bytes as it took.
    let isNegative = width > 0 && value >> (8 * width - 1) == 1
    return .integer(isNegative ? value - 1 << (8 * width) : value)
  }

  private mutating func skip(_ count: Int) throws(FormatError) {
    guard count >= 0, position <= bytes.count - count else { throw broken("it ends too soon") }
    position += count
  }

  private mutating func text(_ count: Int) throws(FormatError) -> String {
    let start = position
    try skip(count)
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func line() throws(FormatError) -> String {
    let rest = bytes[position...]
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw broken("it ends too soon")
    }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  func broken(_ what: String) -> FormatError {
    .malformedCheckpoint(file: file, reason: "its pickle is damaged: \(what)")
  }
}
