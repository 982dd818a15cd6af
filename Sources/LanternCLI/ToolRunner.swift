import Lantern
import LanternFormats
import LanternPlatform
import LanternTokenizers

/// Answers what a model calls: by a program that was named, or by what is typed.
struct ToolRunner {
  /// The tools that may be called.
  let all: [ChatTool]
  /// The program; nil where results are typed.
  let command: String?

  /// Bytes of a result at most.
  private static let limit = 1 << 20

  /// Shows a call and gets its result.
  ///
  /// - Parameters:
  ///   - call: the call.
  ///   - console: shows it.
  /// - Returns: the tool's message.
  /// - Throws: ``ToolError`` for a program that fails; what is wrong with standard input.
  func answer(_ call: ToolCall, _ console: Console) throws -> ChatMessage {
    let shown = "\(call.name) \(call.argumentText)"
    console.report("calls \(shown)")
    console.event([
      "event": "call", "id": .string(call.id), "name": .string(call.name),
      "arguments": call.arguments,
    ])
    var message = ChatMessage(.tool, try result(of: call))
    (message.toolCallID, message.toolName) = (call.id, call.name)
    if command != nil { console.report("gives \(message.content)") }
    console.event([
      "event": "result", "id": .string(call.id), "result": .string(message.content),
    ])
    return message
  }

  private func result(of call: ToolCall) throws -> String {
    // Nothing is run for a name that the file does not have.
    guard all.contains(where: { $0.name == call.name }) else {
      return "there is no tool \(JSON.quoted(call.name)); there are: "
        + all.map(\.name).joined(separator: ", ")
    }
    guard let command else {
      guard let typed = try ChatInput.read() else { throw ToolError.noResult(tool: call.name) }
      return typed
    }
    return try run(command, call)
  }

  /// What the program prints. No shell reads what a model wrote: a fixed script connects files, and the name and the
  /// arguments are an argument and a file.
  private func run(_ command: String, _ call: ToolCall) throws -> String {
    let folder = try Self.makeFolder()
    let (input, output) = (
      FileSystem.join(folder, "arguments.json"), FileSystem.join(folder, "result.txt")
    )
    defer { for path in [input, output, folder] { FileSystem.discard(path) } }
    try AtomicFile.write(Array((call.argumentText + "\n").utf8), to: input)
    let script = #"exec "$0" "$1" <"$2" >"$3""#
    let program = command.contains("/") ? command : "./" + command
    let path = FileSystem.isFile(program) ? program : command
    let ending = ChildProcess.run("/bin/sh", ["-c", script, path, call.name, input, output])
    guard ending == .exit(0) else {
      throw ToolError.failed(program: command, tool: call.name, ending)
    }
    let bytes = try FileSystem.read(output, limit: Self.limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FormatError.unsupportedFileKind(
        path: "what \(command) printed", remedy: "is not text in UTF-8: print UTF-8")
    }
    return text.last?.isNewline == true ? String(text.dropLast()) : text
  }

  /// A new folder for a call's files, which nobody else can read.
  private static func makeFolder() throws(FormatError) -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var name = Array(FileSystem.join(parent, "lantern-tool-XXXXXX").utf8CString)
    guard mkdtemp(&name) != nil else { throw .cannotWrite(path: parent, code: errno) }
    return String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// What can be wrong with calls of tools.
enum ToolError: LanternError {
  /// The program ended otherwise than well.
  case failed(program: String, tool: String, ChildProcess.Ending)
  /// Nothing was typed.
  case noResult(tool: String)

  var kind: ErrorKind { .lost }

  var description: String {
    switch self {
    case .failed(let program, let tool, .exit(let code)):
      "\(program) \(tool): ended with code \(code)\(code >= 126 ? ": is it a program?" : "")"
    case .failed(let program, let tool, .signal(let signal)):
      "\(program) \(tool): signal \(signal) ended it"
    case .failed(let program, let tool, .notStarted(let code)):
      "\(program) \(tool): cannot be started: \(FileSystem.reason(code))"
    case .noResult(let tool):
      "\(tool) was called, and standard input has no result for it: type one a call, a line each"
    }
  }
}
