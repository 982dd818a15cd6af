import LanternPlatform
import LanternFormats
import LanternLayers
import LanternTokenizers

extension LoRA {
  /// What a label says: a path or name with strengths after colons.
  package struct Parts: Equatable {
    /// What is no strength.
    package var path: String
    /// That of all.
    package var strength: Float?
    /// That of text encoders.
    package var text: Float?
    /// Those of blocks.
    package var blocks: [String: [Float]] = [:]

    /// A path, and strengths as far as a label says them.
    package init(path: String, strength: Float? = nil, text: Float? = nil) {
      (self.path, self.strength, self.text) = (path, strength, text)
    }

    /// A LoRA with these strengths; what is not said is as in another label.
    package func lora(at path: String, like other: Parts? = nil) -> LoRA {
      let other = strength == nil ? other : nil
      return LoRA(
        path, strength: strength ?? other?.strength ?? 1, textEncoderStrength: text ?? other?.text,
        blockStrengths: blocks.isEmpty ? other?.blocks ?? [:] : blocks)
    }
  }

  /// The parts of a label: `name`, `name:0.8`, `name:0.8:te=0.5`, `name:0.8:up.block_1=0.5`. What is no
  /// number belongs to the path.
  package static func parts(of label: String) -> Parts {
    var path = label[...]
    var parts = Parts(path: label)
    while parts.strength == nil, let colon = path.lastIndex(of: ":") {
      let part = path[path.index(after: colon)...]
      if let number = Float(part), number.isFinite {
        parts.strength = number
      } else if let (name, values) = assignment(part) {
        if name == "te", values.count == 1 {
          parts.text = values[0]
        } else {
          parts.blocks[name] = values
        }
      } else {
        break
      }
      path = path[..<colon]
    }
    parts.path = String(path)
    return parts
  }

  /// A name and its numbers: `up.block_1=0.4,0.8`.
  private static func assignment(_ text: Substring) -> (name: String, values: [Float])? {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex,
      let values = numbers(text[text.index(after: equals)...])
    else { return nil }
    return (String(text[..<equals]), values)
  }

  private static func numbers(_ text: some StringProtocol) -> [Float]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Float(String($0).trimmed) }.filter(\.isFinite)
    return values.count == parts.count ? values : nil
  }

  /// Strengths of blocks as they stand in a label.
  static func written(_ blocks: [String: [Float]]) -> String {
    blocks.sorted { $0.key < $1.key }.map { name, values in
      ":\(name)=\(values.map(written).joined(separator: ","))"
    }.joined()
  }

  /// A strength as it stands in a tag.
  static func written(_ strength: Float) -> String {
    strength.rounded() == strength && abs(strength) < 1000
      ? "\(Int(strength))" : "\(strength)"
  }

  /// What a block's name, or its numbers, would have to be; nil where they are right.
  static func complaint(
    _ name: String, _ values: [Float], of all: [String: [Float]]
  ) -> String? {
    all.count > 1 && all["lbw"] != nil
      ? "lbw or blocks by name, not both" : BlockStrengths.complaint(name, values)
  }

  /// The strengths in a prompt's tag, `<lora:name:0.8>`, as stable-diffusion-webui reads them: of two numbers
  /// the first is that of text encoders, and either may be named, `te=0.5`, `unet=0.8`. Blocks are named too.
  struct TagStrengths: Equatable {
    /// The denoiser's.
    var denoiser: Float
    /// That of text encoders.
    var textEncoder: Float
    /// Those of blocks.
    var blocks: [String: [Float]] = [:]
    /// What stands there and has no effect.
    var unread: [String] = []

    /// Reads what stands after the name; nil where one of the strengths is no number.
    init?(_ arguments: String) {
      var (positional, named): ([String], [String: String]) = ([], [:])
      for part in arguments.split(separator: ":", omittingEmptySubsequences: false) {
        let text = String(part).trimmed
        if let equals = text.firstIndex(of: "=") {
          named[text[..<equals].lowercased()] = String(text[text.index(after: equals)...])
        } else {
          positional.append(text)
        }
      }
      func number(_ name: String, _ index: Int, default standard: Float) -> Float? {
        guard let text = named.removeValue(forKey: name) ?? positional.dropFirst(index).first,
          !text.isEmpty
        else { return standard }
        return Float(text).flatMap { $0.isFinite ? $0 : nil }
      }
      guard let text = number("te", 0, default: 1), let own = number("unet", 1, default: text)
      else { return nil }
      (textEncoder, denoiser) = (text, own)
      for (name, text) in named where BlockStrengths.isName(name) {
        guard let values = LoRA.numbers(text) else { continue }
        blocks[name] = values
        named[name] = nil
      }
      unread = positional.dropFirst(2).filter { !$0.isEmpty }
      unread += named.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
  }
}
