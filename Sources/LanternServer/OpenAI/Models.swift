import Hummingbird
import LanternFormats

/// OpenAI's list of models.
extension Service {
  func addModels(_ router: Router<Context>) {
    router.get("/v1/models") { _, _ in
      let entries = await self.shelf.entries
      return Response(
        json: .object(["object": "list", "data": .array(entries.map(Self.model))]))
    }
    router.get("/v1/models/:name") { _, context in
      let name = context.parameters.get("name") ?? ""
      let entries = await self.shelf.entries
      guard let entry = entries.first(where: { $0.name == name }) else {
        throw ServerError.unknownModel(name: name, known: entries.map(\.name))
      }
      return Response(json: Self.model(entry))
    }
  }

  private static func model(_ entry: ModelShelf.Entry) -> JSONValue {
    .object([
      "id": .string(entry.name), "object": "model", "created": 0, "owned_by": "lantern",
      "kind": .string(entry.kind.rawValue), "is_loaded": .bool(entry.isLoaded),
      "bytes": .integer(entry.byteCount),
    ])
  }
}
