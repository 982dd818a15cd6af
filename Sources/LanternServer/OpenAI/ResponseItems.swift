import LanternFormats
import LanternTokenizers

/// What a response puts out, item by item, with the events that tell of each.
struct ResponseItems {
  /// An event's type and fields.
  typealias Event = (type: String, fields: [String: JSONValue])

  /// The items that are whole.
  private(set) var done: [JSONValue] = []
  /// The text of the message that is written.
  private var text: String?
  /// What the items' ids are made of: the response's.
  private let response: String

  init(response: String) { self.response = response }

  private func id(_ prefix: String) -> String {
    "\(prefix)\(response.dropFirst("resp_".count))_\(done.count)"
  }

  /// Takes a piece of the answer.
  ///
  /// - Parameter piece: text, or a call.
  /// - Returns: what is to be told of it.
  mutating func take(_ piece: ToolCallReader.Piece) -> [Event] {
    switch piece {
    case .text(let more):
      let begin = text == nil ? beginMessage() : []
      text = (text ?? "") + more
      return begin
        + [at("response.output_text.delta", ["delta": .string(more), "logprobs": .array([])])]
    case .call(let call):
      let end = endMessage("completed")
      return end + add(call)
    }
  }

  /// Ends the last item; an answer without any is an empty message.
  ///
  /// - Parameter status: how the answer ended.
  /// - Returns: what is to be told of it.
  mutating func finish(_ status: String) -> [Event] {
    let begin = done.isEmpty && text == nil ? beginMessage() : []
    return begin + endMessage(status)
  }

  private mutating func beginMessage() -> [Event] {
    text = ""
    return [
      ("response.output_item.added", item(message(content: [], "in_progress"))),
      at("response.content_part.added", ["part": Self.part("")]),
    ]
  }

  private mutating func endMessage(_ status: String) -> [Event] {
    guard let text else { return [] }
    let whole = message(content: [Self.part(text)], status)
    let events: [Event] = [
      at("response.output_text.done", ["text": .string(text), "logprobs": .array([])]),
      at("response.content_part.done", ["part": Self.part(text)]),
      ("response.output_item.done", item(whole)),
    ]
    done.append(whole)
    self.text = nil
    return events
  }

  private mutating func add(_ call: ToolCall) -> [Event] {
    let id = JSONValue.string(id("fc_"))
    func object(_ arguments: String, _ status: JSONValue) -> JSONValue {
      .object([
        "type": "function_call", "id": id, "call_id": .string(call.id),
        "name": .string(call.name), "arguments": .string(arguments), "status": status,
      ])
    }
    let whole = object(call.argumentText, "completed")
    let place: [String: JSONValue] = ["item_id": id, "output_index": .integer(done.count)]
    let arguments = JSONValue.string(call.argumentText)
    let type = "response.function_call_arguments"
    let events: [Event] = [
      ("response.output_item.added", item(object("", "in_progress"))),
      ("\(type).delta", place.merging(["delta": arguments]) { $1 }),
      ("\(type).done", place.merging(["arguments": arguments, "name": .string(call.name)]) { $1 }),
      ("response.output_item.done", item(whole)),
    ]
    done.append(whole)
    return events
  }

  private func item(_ item: JSONValue) -> [String: JSONValue] {
    ["output_index": .integer(done.count), "item": item]
  }

  /// An event about the text of the message that is written.
  private func at(_ type: String, _ more: [String: JSONValue]) -> Event {
    var fields = more
    fields["item_id"] = .string(id("msg_"))
    (fields["output_index"], fields["content_index"]) = (.integer(done.count), 0)
    return (type, fields)
  }

  private func message(content: [JSONValue], _ status: String) -> JSONValue {
    .object([
      "type": "message", "id": .string(id("msg_")), "role": "assistant", "status": .string(status),
      "content": .array(content),
    ])
  }

  private static func part(_ text: String) -> JSONValue {
    .object([
      "type": "output_text", "text": .string(text), "annotations": .array([]),
      "logprobs": .array([]),
    ])
  }
}
