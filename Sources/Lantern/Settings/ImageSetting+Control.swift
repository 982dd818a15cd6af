import LanternFormats
import LanternPictures
import LanternPlatform
import LanternSamplers

/// Rows of settings of pictures that are followed by ControlNets and T2I-Adapters.
extension ImageSetting {
  package static var controls: ImageSetting {
    ImageSetting(
      "controls", \.controls, .control, key: "controls",
      range: "strengths of 0 to 10; starts and ends of 0 to 1, the start first",
      check: { request, model in
        for control in request.controls { try check(control) }
        if request.controls.contains(where: { $0.start > 0 || $0.end < 1 }) {
          try checkSteps(of: request, model, "the start or end of a control")
        }
      },
      option: SettingOption(
        "control", .values("network:picture"),
        "Follow a picture by a ControlNet or T2I-Adapter: its folder or file, a colon, and the picture, of which "
          + "\(preprocessors):PICTURE makes edges before; may be given several times.",
        default: "none", takesDashes: false
      ).taking(
        [String].self,
        assign: { given, request in
          let before = request.controls
          request.controls = try given.map { text in
            var control = try parsed(text, onServer: request.namesServerFiles)
            // A picture that is drawn again has strengths of its own.
            if let old = before.first(where: { $0.name == control.name }) {
              (control.strength, control.start, control.end) = (old.strength, old.start, old.end)
            }
            return control
          }
        }))
  }

  private static var preprocessors: String {
    Control.Preprocessor.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private static func check(_ control: Control) throws(RequestError) {
    guard control.picture != nil else {
      throw .needs(name: "\(control.name)", other: "a picture to follow")
    }
    guard (0...10).contains(control.strength) else {
      throw .range(
        name: "strength of \(control.name)", found: "\(control.strength)", allowed: "0 to 10")
    }
    try check(control.start, control.end, of: control.name)
  }

  /// Checks a share of the steps.
  static func check(_ start: Double, _ end: Double, of name: String) throws(RequestError) {
    guard start >= 0, start < end, end <= 1 else {
      throw .range(
        name: "steps of \(name)", found: "\(start) to \(end)",
        allowed: "a start of 0 or more, and an end after it, up to 1")
    }
  }

  /// Checks that there are steps to have a share of.
  static func checkSteps(
    of request: ImageRequest, _ model: ImageModel, _ name: String
  ) throws {
    let row = try request.sampler.map { try SamplerCatalogue.row(named: $0) }
    if try row?.make(model.schedule, eta: request.eta).choosesLevels == true {
      throw RequestError.needs(name: name, other: "a sampler with a fixed number of steps")
    }
  }

  /// A network, a preprocessor if one is named, and a picture, with colons between them; colons may stand
  /// in names too: the first part that is there is the network.
  private static func parsed(_ text: String, onServer: Bool) throws -> Control {
    let (network, rest) = try pair(
      text, like: "canny.safetensors:edges.png", onServer: onServer)
    var (control, picture) = (Control(network: network, picture: nil), rest)
    for preprocessor in Control.Preprocessor.allCases
    where picture.hasPrefix("\(preprocessor.rawValue):") && !FileSystem.exists(picture) {
      control.preprocessor = preprocessor
      picture.removeFirst(preprocessor.rawValue.count + 1)
    }
    control.picture = try Picture(contentsOf: picture)
    return control
  }

  /// A network that is there, or that a server has by its name, and what stands behind the colon after it.
  static func pair(_ text: String, like example: String, onServer: Bool) throws(FormatError) -> (
    network: String, rest: String
  ) {
    if let (network, rest) = network(of: text) { return (network, String(rest)) }
    if onServer, let colon = text.firstIndex(of: ":"), colon > text.startIndex {
      return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
    let path = text.split(separator: ":").first.map(String.init) ?? text
    // A name that could be one on the hub has an error of its own.
    _ = try HubCache.standard.located(path)
    throw .missingFile(
      path: path, remedy: "give the network, a colon and the picture, like \(example)")
  }

  /// The network at the beginning of a text, and what stands behind the colon after it. Of a model on the hub
  /// the longest name counts: a file of it follows a colon too.
  private static func network(of text: String) -> (path: String, rest: Substring)? {
    var found: (path: String, rest: Substring)?
    for colon in text.indices.dropFirst() where text[colon] == ":" {
      let (name, rest) = (String(text[..<colon]), text[text.index(after: colon)...])
      if FileSystem.exists(name) { return (name, rest) }
      if let path = try? HubCache.standard.located(name), path != name { found = (path, rest) }
    }
    return found
  }

  package static var controlStrength: ImageSetting {
    controls.part(
      "controlStrength", \.controls, "control-strength", "strength",
      "How strongly a picture is followed, 0 to 10; once for all of them, or once for each.",
      default: "1", \.strength)
  }

  package static var controlStart: ImageSetting {
    controls.part(
      "controlStart", \.controls, "control-start", "share",
      "The share of the steps after which a picture is followed; once for all, or for each.",
      default: "0", \.start)
  }

  package static var controlEnd: ImageSetting {
    controls.part(
      "controlEnd", \.controls, "control-end", "share",
      "The share of the steps up to which a picture is followed; once for all, or for each.",
      default: "1", \.end)
  }

  /// The setting of a part that each element of this one's list has.
  func part<Element, Value: SettingValue>(
    _ name: String, _ list: any WritableKeyPath<ImageRequest, [Element]> & Sendable,
    _ option: String, _ valueName: String, _ help: String, default standard: String,
    _ path: any WritableKeyPath<Element, Value> & Sendable
  ) -> ImageSetting where Value.Given: SettingValue {
    part(name, list, option, valueName, help, default: standard) { (given: Value.Given, element) in
      element[keyPath: path] = Value(given: given)
    }
  }

  /// The same of a part that is not given as it is.
  func part<Element, Given: SettingValue>(
    _ name: String, _ list: any WritableKeyPath<ImageRequest, [Element]> & Sendable,
    _ option: String, _ valueName: String, _ help: String, default standard: String,
    assign: @escaping @Sendable (Given, inout Element) throws -> Void
  ) -> ImageSetting {
    let whole = self.option?.name ?? self.name
    return ImageSetting(
      name, of: self.name, .control, title: option,
      option: SettingOption(
        option, .values(valueName), help, default: standard,
        companion: .init(
          name: self.name, message: "--\(option) needs a picture: --\(whole) NETWORK:PICTURE",
          isInRequest: { !$0[keyPath: list].isEmpty })),
      assign: { (values: [Given], request) in
        let count = request[keyPath: list].count
        guard values.count == 1 || values.count == count else {
          throw RequestError.range(
            name: option, found: "\(values.count) times",
            allowed: "one for all pictures, or one for each of the \(count)")
        }
        for index in 0..<count {
          try assign(values[values.count == 1 ? 0 : index], &request[keyPath: list][index])
        }
      })
  }

  package static var guessMode: ImageSetting {
    ImageSetting(
      "guessMode", \.guessMode, .control, key: "guess_mode",
      option: SettingOption(
        "guess-mode", .flag,
        "Follow ControlNets without the help of words: less at the edges of the network, and in the "
          + "prompt's half of guidance alone. Goes with a guidance of 3 to 5.",
        companion: .init(
          name: "controls", message: "--guess-mode needs a ControlNet: --control NETWORK:PICTURE",
          isInRequest: { !$0.controls.isEmpty })))
  }
}

/// A picture that is followed, of which a recipe says all but the picture.
extension Control: SettingValue {
  package typealias Given = Control
  package static var typeName: String { "ControlNet" }
  package init?(json: JSONValue) {
    guard let members = json.object, let name = members["network"]?.string else { return nil }
    self.init(network: name, picture: nil)
    preprocessor = members["preprocessor"]?.string.flatMap(Preprocessor.init)
    strength = members["strength"]?.double.map { Float($0) } ?? strength
    start = members["start"]?.double ?? start
    end = members["end"]?.double ?? end
  }
  package var json: JSONValue {
    var members: [String: JSONValue] = [
      // The name alone: its folder is private.
      "network": .string(name), "strength": strength.json, "start": start.json, "end": end.json,
    ]
    members["preprocessor"] = preprocessor.map { .string($0.rawValue) }
    return .object(members)
  }
}
