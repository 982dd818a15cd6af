import LanternFormats
import LanternPlatform
import LanternTensor

/// HTML and XML by libxml2, which is loaded when a document needs it: elements and texts in their order.
enum Markup {
  enum Form: Sendable { case html, xml }

  enum Event {
    /// An element begins; the name is without a prefix. An attribute is asked of the closure by its whole name.
    case start(name: String, attribute: (String) -> String?)
    case text(String)
    case end(name: String)
  }

  /// Reads a document; of HTML whatever can be made of it.
  ///
  /// - Parameters:
  ///   - input: the document.
  ///   - form: what it is.
  ///   - onEvent: gets elements and texts.
  /// - Throws: ``LibraryError``, or what the closure throws.
  static func read(
    _ input: DocumentKind.Input, as form: Form, onEvent: (Event) throws(LibraryError) -> Void
  ) throws(LibraryError) {
    guard let functions else { throw .missingReader(kind: "HTML and XML", package: "libxml2") }
    let limit = input.limits.markupByteCount
    guard input.bytes.count <= limit else {
      throw .tooLarge(source: input.source, what: "it has \(input.bytes.count) bytes", limit: limit)
    }
    do { try Memory.require(input.bytes.count * memoryPerByte) } catch {
      throw .format(.tensor(error))
    }
    // Bytes that are no ASCII and make UTF-8 are that: a page that says otherwise of itself is mistaken.
    let isUTF8 =
      input.bytes.contains { $0 >= 0x80 } && String(validating: input.bytes, as: UTF8.self) != nil
    let encoding = isUTF8 && form == .html ? "UTF-8" : input.encoding
    var document: OpaquePointer?
    let reader: OpaquePointer? = input.bytes.withUnsafeBytes { bytes in
      let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let count = Int32(bytes.count)
      guard form == .html else {
        return functions.xmlReaderForMemory(base, count, nil, encoding, quiet)
      }
      document = functions.htmlReadMemory(base, count, nil, encoding, quiet | recover)
      return document.flatMap { functions.xmlReaderWalker($0) }
    }
    defer {
      if let reader { functions.xmlFreeTextReader(reader) }
      if let document { functions.xmlFreeDoc(document) }
    }
    guard let reader else { throw .damaged(source: input.source, reason: "it is no \(form)") }
    // The reader of XML reads the bytes while it walks.
    try withExtendedLifetime(input.bytes) { () throws(LibraryError) in
      try walk(reader, functions, input, form, onEvent)
    }
  }

  private static func walk(
    _ reader: OpaquePointer, _ functions: Functions, _ input: DocumentKind.Input, _ form: Form,
    _ onEvent: (Event) throws(LibraryError) -> Void
  ) throws(LibraryError) {
    func name() -> String { text(functions.xmlTextReaderConstLocalName(reader)) ?? "" }
    while true {
      switch functions.xmlTextReaderRead(reader) {
      case 1: break
      case 0: return
      default: throw .damaged(source: input.source, reason: "it is no sound \(form)")
      }
      let depth = input.limits.depth
      guard functions.xmlTextReaderDepth(reader) < depth else {
        throw .tooLarge(
          source: input.source, what: "its elements lie in one another too deep", limit: depth)
      }
      switch functions.xmlTextReaderNodeType(reader) {
      case 1:
        let name = name()
        let isEmpty = functions.xmlTextReaderIsEmptyElement(reader) == 1
        try onEvent(
          .start(name: name) { key in
            let value = functions.xmlTextReaderGetAttribute(reader, key)
            defer { free(value) }
            return text(value)
          })
        if isEmpty { try onEvent(.end(name: name)) }
      case 3, 4, 13, 14:
        if let text = text(functions.xmlTextReaderConstValue(reader)) { try onEvent(.text(text)) }
      case 15: try onEvent(.end(name: name()))
      default: break
      }
    }
  }

  private static func text(_ bytes: UnsafePointer<UInt8>?) -> String? {
    bytes.map { String(cString: $0) }
  }

  /// What the tree of a page takes for each of its bytes, about.
  private static let memoryPerByte = 16
  // XML_PARSE_RECOVER; XML_PARSE_NOERROR, NOWARNING and NONET: nothing is printed, and nothing fetched.
  private static let recover: Int32 = 1
  private static let quiet: Int32 = 32 | 64 | 2048

  /// libxml2's functions, by their names.
  private struct Functions: Sendable {
    typealias Bytes = UnsafePointer<UInt8>
    typealias ReadMemory =
      @convention(c) (
        UnsafePointer<CChar>?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?, Int32
      ) -> OpaquePointer?
    typealias Query = @convention(c) (OpaquePointer) -> Int32
    typealias Read = @convention(c) (OpaquePointer) -> Bytes?
    typealias Release = @convention(c) (OpaquePointer) -> Void

    let htmlReadMemory, xmlReaderForMemory: ReadMemory
    let xmlReaderWalker: @convention(c) (OpaquePointer) -> OpaquePointer?
    let xmlTextReaderRead, xmlTextReaderDepth, xmlTextReaderNodeType,
      xmlTextReaderIsEmptyElement: Query
    let xmlTextReaderConstLocalName, xmlTextReaderConstValue: Read
    let xmlTextReaderGetAttribute:
      @convention(c) (OpaquePointer, UnsafePointer<CChar>) -> UnsafeMutablePointer<UInt8>?
    let xmlFreeTextReader, xmlFreeDoc: Release

    init?() {
      guard
        let library = SharedLibrary([
          "libxml2.so.2", "libxml2.so.16", "libxml2.so", "libxml2.2.dylib",
        ]),
        let html = library.function("htmlReadMemory", as: ReadMemory.self),
        let xml = library.function("xmlReaderForMemory", as: ReadMemory.self),
        let walker = library.function(
          "xmlReaderWalker", as: (@convention(c) (OpaquePointer) -> OpaquePointer?).self),
        let read = library.function("xmlTextReaderRead", as: Query.self),
        let depth = library.function("xmlTextReaderDepth", as: Query.self),
        let type = library.function("xmlTextReaderNodeType", as: Query.self),
        let isEmpty = library.function("xmlTextReaderIsEmptyElement", as: Query.self),
        let name = library.function("xmlTextReaderConstLocalName", as: Read.self),
        let value = library.function("xmlTextReaderConstValue", as: Read.self),
        let attribute = library.function(
          "xmlTextReaderGetAttribute",
          as: (@convention(c) (OpaquePointer, UnsafePointer<CChar>) -> UnsafeMutablePointer<UInt8>?)
            .self),
        let freeReader = library.function("xmlFreeTextReader", as: Release.self),
        let freeDocument = library.function("xmlFreeDoc", as: Release.self)
      else { return nil }
      (htmlReadMemory, xmlReaderForMemory, xmlReaderWalker) = (html, xml, walker)
      (xmlTextReaderRead, xmlTextReaderDepth, xmlTextReaderNodeType) = (read, depth, type)
      (xmlTextReaderIsEmptyElement, xmlTextReaderConstLocalName) = (isEmpty, name)
      (xmlTextReaderConstValue, xmlTextReaderGetAttribute) = (value, attribute)
      (xmlFreeTextReader, xmlFreeDoc) = (freeReader, freeDocument)
    }
  }

  private static let functions = Functions()
}
