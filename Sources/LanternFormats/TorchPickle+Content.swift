/// What the object of a checkpoint holds.
extension TorchPickle {
  /// What a checkpoint holds.
  struct Content {
    /// Its tensors.
    var entries: [(name: String, entry: Entry)]
    /// Texts that stand with other things at the top, by their names.
    var texts: [String: String]
  }

  /// The tensors of what a pickle says.
  func content(of top: Value) throws(FormatError) -> Content {
    let texts = texts(of: top)
    let found = tensors(of: top)
    if !found.isEmpty { return Content(entries: found, texts: texts) }
    for key in ["state_dict", "model", "params_ema", "params", "module"] {
      let inner = tensors(of: member(key, of: top))
      if !inner.isEmpty { return Content(entries: inner, texts: texts) }
    }
    // An IP-Adapter's two dictionaries.
    let pair = ["image_proj", "ip_adapter"].flatMap { key in
      tensors(of: member(key, of: top)).map { (name: "\(key).\($0.name)", entry: $0.entry) }
    }
    if !pair.isEmpty { return Content(entries: pair, texts: texts) }
    let key = "string_to_param"
    let vectors = member(key, of: top)
    // Older PyTorch keeps a `ParameterDict`'s tensors in `_parameters`.
    for dictionary in [vectors, vectors.flatMap({ member("_parameters", of: $0) })] {
      let inner = tensors(of: dictionary).map {
        (name: "\(key).\($0.name)", entry: $0.entry)
      }
      if !inner.isEmpty { return Content(entries: inner, texts: texts) }
    }
    let listed = listed(top)
    if !listed.isEmpty { return Content(entries: listed, texts: texts) }
    throw .malformedCheckpoint(file: file, reason: "it holds no tensors under names")
  }

  private func tensors(of value: Value?) -> [(name: String, entry: Entry)] {
    guard case .dictionary(let members)? = value else { return [] }
    let values = items[members.number]
    return stride(from: 0, to: values.count - 1, by: 2).compactMap { index in
      guard case .text(let name) = values[index], case .tensor(let entry) = values[index + 1]
      else { return nil }
      return (name, entry)
    }
  }

  /// The tensors of a list's dictionaries.
  private func listed(_ value: Value) -> [(name: String, entry: Entry)] {
    guard case .list(let list) = value else { return [] }
    // One dictionary may stand there again and again.
    return items[list.number].prefix(Self.mostListed).enumerated().flatMap { index, value in
      tensors(of: value).map { ("\(index).\($0.name)", $0.entry) }
    }
  }

  /// Dictionaries of a list that are read.
  private static let mostListed = 16

  private func texts(of value: Value) -> [String: String] {
    guard case .dictionary(let members) = value else { return [:] }
    let values = items[members.number]
    var texts: [String: String] = [:]
    for index in stride(from: 0, to: values.count - 1, by: 2) {
      if case .text(let name) = values[index], case .text(let text) = values[index + 1] {
        texts[name] = text
      }
    }
    return texts
  }

  func member(_ key: String, of value: Value) -> Value? {
    guard case .dictionary(let members) = value else { return nil }
    let values = items[members.number]
    for index in stride(from: 0, to: values.count - 1, by: 2) {
      if case .text(key) = values[index] { return values[index + 1] }
    }
    return nil
  }
}
