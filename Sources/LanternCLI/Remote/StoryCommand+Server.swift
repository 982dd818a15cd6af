import Lantern
import LanternFormats
import LanternHub
import LanternPictures

/// Stories that a server tells.
extension StoryCommand {
  /// Tells a story on a server: the same as here, with the server's model.
  ///
  /// - Parameters:
  ///   - request: the story's.
  ///   - address: the server's.
  ///   - console: shows the pages.
  /// - Throws: what the server says, and what is wrong on the way there.
  func tell(_ request: StoryRequest, on address: String, _ console: Console) throws {
    var body = try RemoteJob.body(of: request)
    body["previews"] = .bool(preview != nil)
    body["model"] = modelOptions.model.map(JSONValue.string)
    let wanted = body
    let model = modelOptions.model ?? ModelLocation.storyteller.name
    try tell(request, model: model, since: Console.now, console) { onEvent in
      try remote.run(
        address,
        { connection, yield in
          try await RemoteJob.run(wanted, on: connection) { name, fields in
            for note in RemoteJob.notes(fields) { console.note(note) }
            switch name {
            case "note": console.note(fields["message"]?.string ?? "")
            case "text":
              yield(.text(fields["text"]?.string ?? "", page: fields["page"]?.integer ?? 0))
            case "step":
              yield(
                .step(
                  fields["step"]?.integer ?? 0, of: fields["of"]?.integer ?? 0,
                  page: 1 + (fields["picture"]?.integer ?? 0),
                  preview: try RemoteJob.preview(fields)))
            case "picture":
              let recipe = fields["recipe"]?.object
              let picture = try await RemoteJob.picture(fields, on: connection)
              yield(
                .page(
                  StoryPage(
                    number: recipe?["page"]?.integer ?? 0, text: fields["text"]?.string ?? "",
                    picture: picture, caption: recipe?["caption"]?.string)))
            default: break
            }
          }
        }, onEvent: onEvent)
    }
  }
}
