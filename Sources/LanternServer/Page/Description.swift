import Lantern
import LanternFormats
import LanternSamplers

/// The description of all calls, OpenAPI's, as it is served: the file with what other tables know.
enum Description {
  /// The description as JSON.
  static let text: String = {
    let file = String(decoding: PackageResources.openapi_json, as: UTF8.self)
      .replacing("VERSION", with: LanternVersion.number)
      .replacing("SAMPLERS", with: listed(samplers(SamplerCatalogue.rows)))
      .replacing("FIXED", with: listed(samplers(fixed)))
      .replacing("SCHEDULES", with: listed(schedules))
      .replacing("SIDE", with: side)
    guard let value = try? JSON.parse(text: file, file: "openapi.json") else { return file }
    return JSON.write(takingNull(value, isRequest: false), keepsOrder: true)
  }()

  private static func listed(_ names: [String]) -> String {
    names.map(JSON.quoted).joined(separator: ", ")
  }

  /// Samplers by our names and by webui's.
  private static func samplers(_ rows: [SamplerCatalogue.Row]) -> [String] {
    unique(rows.flatMap { [$0.name, SamplerCatalogue.webUIName(of: $0.name)] })
  }

  /// Those that take as many steps as they are given, which masks need.
  private static var fixed: [SamplerCatalogue.Row] {
    SamplerCatalogue.rows.filter { row in
      (try? row.make(NoiseSchedule(json: "{}")))?.choosesLevels != true
    }
  }

  /// Schedules by our names and by webui's.
  private static var schedules: [String] {
    unique(
      Spacing.allCases.flatMap { [$0.rawValue, SamplerCatalogue.webUIName(of: $0) ?? $0.rawValue] })
  }

  private static func unique(_ names: [String]) -> [String] {
    names.enumerated().filter { !names[..<$0.offset].contains($0.element) }.map(\.element)
  }

  /// What matches a side of a picture: multiples of 8 from 8 to 4096.
  private static let side = {
    let even = "[02468](?:[048]0|[048]8|[159]6|[26]4|[37]2)"
    let odd = "[13579](?:[048]4|[159]2|[26]0|[26]8|[37]6)"
    let short = "8|16|24|32|40|48|56|64|72|80|88|96"
    let hundreds = "[2468](?:[048]0|[048]8|[159]6|[26]4|[37]2)|\(odd)"
    return "(?:\(short)|\(hundreds)|[1-3](?:\(even)|\(odd))|40(?:00|08|\(short.dropFirst(2))))"
  }()

  /// The schemas of what is sent, where null stands for a field that is not there, as ``RequestFields`` has it.
  private static func takingNull(_ value: JSONValue, isRequest: Bool) -> JSONValue {
    if let items = value.array { return .array(items.map { takingNull($0, isRequest: isRequest) }) }
    guard let members = value.members else { return value }
    let required = Set((value.object?["required"]?.array ?? []).compactMap(\.string))
    return .object(
      ordered: members.map { key, value in
        // Forms have texts and files alone.
        if key == "multipart/form-data" { return (key, value) }
        guard isRequest, key == "properties", let fields = value.members else {
          return (key, takingNull(value, isRequest: isRequest || key == "requestBody"))
        }
        return (
          key,
          .object(
            ordered: fields.map { name, schema in
              let schema = takingNull(schema, isRequest: true)
              return (name, required.contains(name) ? schema : optional(schema))
            })
        )
      })
  }

  /// A schema that null meets too.
  private static func optional(_ schema: JSONValue) -> JSONValue {
    guard schema.object?["format"] == nil else {
      return .object(["oneOf": .array([schema, .object(["type": "null"])])])
    }
    return .object(
      ordered: (schema.members ?? []).map { key, value in
        switch key {
        case "type" where value.string != nil: (key, .array([value, "null"]))
        case "enum": (key, .array((value.array ?? []) + [.null]))
        case "oneOf": (key, .array((value.array ?? []) + [.object(["type": "null"])]))
        default: (key, value)
        }
      })
  }
}
