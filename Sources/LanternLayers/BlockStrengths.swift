/// How much of an adapter is added to each block of a U-Net, in parts of its strength.
///
/// Blocks are named as in diffusers' `set_adapters` (`down`, `mid`, `up.block_1`, of each layer where there are
/// several numbers), or by `lbw`, the list of the extension sd-webui-lora-block-weight, whose blocks are the
/// original code's.
package struct BlockStrengths: Sendable, Equatable {
  private static let list = "lbw"
  private let parts: [String: [Float]]
  /// The parts of the original code's blocks; nil where no list says them.
  private let numbered: [String: Float]?

  /// Parts by the names of their blocks.
  package init(_ parts: [String: [Float]]) {
    self.parts = parts
    numbered = parts[Self.list].flatMap { values in
      Self.lists[values.count].map { Dictionary(zip($0, values)) { $1 } }
    }
  }

  /// Whether this is the name of blocks, there or not.
  package static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let way = parts.first, ["down", "up"].contains(way) else {
      return ["mid", list].contains(name)
    }
    return parts.count == 1
      || (parts.count == 2 && parts[1].hasPrefix("block_") && Int(parts[1].dropFirst(6)) != nil)
  }

  /// What a name, or its numbers, would have to be; nil where they are right.
  package static func complaint(_ name: String, _ values: [Float]) -> String? {
    guard isName(name) else {
      return "down, mid, up, one block as down.block_1 and up.block_0, or \(list)"
    }
    if name == list, lists[values.count] == nil {
      return "\(lists.keys.sorted().map(String.init).joined(separator: ", ")) numbers"
    }
    if name == "mid" ? values.count != 1 : values.isEmpty { return "one number" }
    return values.allSatisfy(\.isFinite) ? nil : "numbers"
  }

  /// The text encoders' part.
  package var ofText: Float { numbered?[Self.text] ?? 1 }

  /// The part of a layer of the U-Net.
  ///
  /// - Parameter names: the layer's in diffusers' spelling, and in the original code's, with `_` for `.`.
  /// - Returns: what its strength is multiplied by; 1 where nothing is said of it.
  func part(of names: [String]) -> Float {
    if let numbered {
      // As the extension has it: a block that a list leaves out gets nothing, what is in no block all.
      return names.dropFirst().lazy.compactMap(Self.number).first.map { numbered[$0] ?? 0 } ?? 1
    }
    guard let place = names.first.flatMap(Place.init),
      let values = parts[place.block] ?? parts[place.way], !values.isEmpty
    else { return 1 }
    return values[min(place.layer, values.count - 1)]
  }

  /// What does not fit a model with these layers; nil where all does.
  func misfit(_ layers: Set<[String]>) -> String? {
    if let values = parts[Self.list] { return listMisfit(values, layers) }
    var counts: [String: Int] = [:]
    for place in layers.lazy.compactMap({ $0.first.flatMap(Place.init) }) {
      counts[place.block] = max(counts[place.block] ?? 0, place.layer + 1)
    }
    for (name, values) in parts.sorted(by: { $0.key < $1.key }) {
      let blocks = counts.filter { $0.key == name || $0.key.hasPrefix("\(name).") }
      if blocks.isEmpty {
        return "no block of this model is \(name): there are "
          + counts.keys.sorted().joined(separator: ", ")
      }
      for (block, count) in blocks.sorted(by: { $0.key < $1.key })
      where ![1, count].contains(values.count) {
        return "\(name) has \(values.count) strengths, and \(block) has \(count) layers"
      }
    }
    return nil
  }

  private func listMisfit(_ values: [Float], _ layers: Set<[String]>) -> String? {
    let there = Set(layers.lazy.flatMap { $0.dropFirst().compactMap(Self.number) })
    if there.isEmpty { return "this model has no blocks that \(Self.list) numbers" }
    // The longest list is for any model; the others are each for one kind.
    let blocks = Self.lists[values.count] ?? []
    guard values.count < Self.everyBlock.count,
      let missing = blocks.dropFirst().first(where: { !there.contains($0) })
    else { return nil }
    return
      "\(Self.list) of \(values.count) numbers has one for \(missing), which this model does not "
      + "have: give \(Self.everyBlock.count)"
  }

  private static let text = "BASE"
  private static let everyBlock = [text] + numbers("IN", 0...11) + ["M00"] + numbers("OUT", 0...11)

  /// Lists by their lengths: for LoRAs and LyCORIS of Stable Diffusion 1 and 2, and for those of XL.
  private static let lists: [Int: [String]] = Dictionary(
    uniqueKeysWithValues: [
      [text] + ["IN04", "IN05", "IN07", "IN08", "M00"] + numbers("OUT", 0...5),
      [text] + ["IN01", "IN02", "IN04", "IN05", "IN07", "IN08", "M00"] + numbers("OUT", 3...11),
      [text] + numbers("IN", 0...8) + ["M00"] + numbers("OUT", 0...8),
      everyBlock,
    ].map { ($0.count, $0) })

  private static func numbers(_ way: String, _ range: ClosedRange<Int>) -> [String] {
    range.map { "\(way)\($0 < 10 ? "0" : "")\($0)" }
  }

  /// The number of the original code's block that a layer is in.
  private static func number(_ name: String) -> String? {
    let words = name.split(separator: "_")
    guard words.count > 2 else { return nil }
    switch words[0] {
    case "middle": return "M00"
    case "input", "output":
      guard let index = Int(words[2]) else { return nil }
      return numbers(words[0] == "input" ? "IN" : "OUT", index...index).first
    default: return nil
    }
  }

  /// Where a layer is in a U-Net.
  private struct Place {
    /// `down`, `mid` or `up`.
    let way: String
    /// Such as `up.block_1`.
    let block: String
    /// Its number in the block. Samplers go with the first, as in diffusers.
    let layer: Int

    init?(_ name: String) {
      let words = name.split(separator: "_")
      guard words.count > 4, let first = words.first.map(String.init) else { return nil }
      if first == "mid" {
        (way, block, layer) = (first, first, 0)
        return
      }
      guard ["down", "up"].contains(first), words[1] == "blocks", let index = Int(words[2])
      else { return nil }
      (way, block) = (first, "\(first).block_\(index)")
      layer = ["attentions", "resnets"].contains(words[3]) ? Int(words[4]) ?? 0 : 0
    }
  }
}
