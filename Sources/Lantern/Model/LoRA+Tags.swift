import LanternPlatform
import LanternFormats
import LanternTokenizers

extension LoRA {
  /// The parts of a label, a path or name with strengths after colons: `name`, `name:0.8`,
  /// `name:0.8:te=0.5`. What is no number belongs to the path.
  package static func parts(of label: String) -> (path: String, strength: Float?, text: Float?) {
    var path = label[...]
    func number(after lead: String) -> Float? {
      guard let colon = path.lastIndex(of: ":") else { return nil }
      let text = path[path.index(after: colon)...]
      guard text.hasPrefix(lead), let number = Float(text.dropFirst(lead.count)), number.isFinite
      else { return nil }
      path = path[..<colon]
      return number
    }
    let text = number(after: "te=")
    let strength = number(after: "")
    return (String(path), strength, text)
  }

  /// The strengths in a prompt's tag, `<lora:name:0.8>`, as stable-diffusion-webui reads them: of two numbers
  /// the first is that of text encoders, and either may be named, `te=0.5`, `unet=0.8`.
  struct TagStrengths: Equatable {
    /// The denoiser's.
    var denoiser: Float
    /// That of text encoders.
    var textEncoder: Float
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
      unread = positional.dropFirst(2).filter { !$0.isEmpty }
      unread += named.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
  }
}
