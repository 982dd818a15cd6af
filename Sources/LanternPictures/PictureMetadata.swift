/// Texts kept in a picture's file, as the prompt it was made from, in order.
public struct PictureMetadata: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// A text and what it is.
  public struct Entry: Sendable, Equatable {
    /// What the text is, as `parameters`.
    public var key: String
    /// The text.
    public var text: String

    /// A text under a key.
    public init(key: String, text: String) {
      self.key = key
      self.text = text
    }
  }

  /// All texts; a key may come more than once.
  public var entries: [Entry]

  /// Metadata of the given texts.
  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// Metadata of the given texts.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.entries = elements.map { Entry(key: $0.0, text: $0.1) }
  }

  /// The first text under `key`. Setting it replaces that one, or adds one at the end.
  public subscript(key: String) -> String? {
    get { entries.first { $0.key == key }?.text }
    set {
      let index = entries.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let text?): entries[index].text = text
      case (let index?, nil): entries.remove(at: index)
      case (nil, let text?): entries.append(Entry(key: key, text: text))
      case (nil, nil): break
      }
    }
  }
}

extension String {
  /// The bytes of the text in Latin-1; `nil` where a character is not in it.
  var latin1: [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  /// The text of Latin-1 bytes.
  init(latin1 bytes: some Sequence<UInt8>) {
    self = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
