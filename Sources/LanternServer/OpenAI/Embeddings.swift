import Hummingbird
import Lantern
import LanternFormats

/// OpenAI's embeddings.
extension Service {
  func addEmbeddings(_ router: Router<Context>) {
    router.post("/v1/embeddings") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.embeddings(fields, request)
    }
  }

  private func embeddings(_ fields: RequestFields, _ call: Request) async throws -> Response {
    let name = try fields.string("model")
    guard let texts = try fields.strings("input"), !texts.isEmpty else {
      throw ServerError.field(name: "input", reason: "give a text, or a list of texts")
    }
    let encoding = try fields.string("encoding_format") ?? "float"
    guard ["float", "base64"].contains(encoding) else {
      throw ServerError.field(name: "encoding_format", reason: "give float or base64")
    }
    fields.pass("user")
    let embedder = try await shelf.embedding(name)
    if let count = try fields.integer("dimensions", in: 1...1 << 20), count != embedder.features {
      throw ServerError.field(
        name: "dimensions", reason: "the model's vectors have \(embedder.features) features")
    }
    let prompt = try fields.string("prompt_name")
    let vectors = try await whileListening(call) {
      try await ComputeQueue.run { check in
        try check()
        return try embedder.vectors(of: texts, prompt: prompt)
      }
    }
    let tokens = JSONValue.integer(vectors.reduce(0) { $0 + $1.tokens })
    let notes =
      fields.notes
      + vectors.enumerated().filter { $0.element.cut > 0 }.map {
        "input[\($0.offset)]: its last \($0.element.cut) tokens did not fit and were left out"
      }
    return Response(
      json: .object([
        "object": "list", "model": name.map(JSONValue.string) ?? .null,
        "data": .array(
          vectors.enumerated().map { index, vector in
            .object([
              "object": "embedding", "index": .integer(index),
              "embedding": encoding == "float"
                ? .array(vector.values.map { .number(Double($0)) })
                : .string(Base64.encode(Self.bytes(vector.values))),
            ])
          }),
        "usage": .object(["prompt_tokens": tokens, "total_tokens": tokens]),
        "notes": .array(notes.map(JSONValue.string)),
      ]), closes: true)
  }

  /// Numbers as little-endian f32.
  private static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      let bits = value.bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
  }
}
