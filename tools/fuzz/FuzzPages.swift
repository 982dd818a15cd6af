import Lantern
import LanternPictures

/// Whatever a story says and is called, its web page has the elements and attributes of a page that
/// says nothing, and its Markdown the headings, pictures and links of one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
  guard let (html, markdown) = try? files(text), let empty = try? files("") else { return 0 }
  precondition(markup(html) == markup(empty.html), "the page has other markup")
  precondition(unescaped(markdown) == unescaped(empty.markdown), "the Markdown has other markup")
  for scalar in (html + markdown).unicodeScalars where scalar.properties.generalCategory == .control {
    precondition(scalar == "\n" || scalar == "\t", "a control character")
  }
  return 0
}

private func files(_ text: String) throws -> (html: String, markdown: String) {
  var book = StoryBook(title: text, colophon: text)
  let picture = try Picture(width: 1, height: 1, pixels: [1, 2, 3])
  book.add(StoryPage(number: 1, text: text, picture: picture), png: [1, 2, 3])
  return (book.html, book.markdown)
}

/// The bytes that make tags and attributes, in their order.
private func markup(_ html: String) -> [UInt8] { html.utf8.filter { "<>\"'".utf8.contains($0) } }

/// The bytes that make Markdown's markup and no backslash stands before, in their order.
private func unescaped(_ markdown: String) -> [UInt8] {
  var found: [UInt8] = []
  var isEscaped = false
  for byte in markdown.utf8 {
    if !isEscaped, "`*_{}[]<>#|~&$".utf8.contains(byte) { found.append(byte) }
    isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
  }
  return found
}
