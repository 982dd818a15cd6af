import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A story as an e-book: the archive, its package and its documents.
@Suite("A story as EPUB") struct StoryEPUBTests {
  private static let hostile = [
    "plain", "<b>\"A & B\"</b>", "]]>", "<!--", "</p></section>", "a\0b\u{7f}\u{fffe}\u{ffff}",
    "'\u{301}>",
    "a\u{2028}b",
  ]

  private func book(_ title: String, _ texts: [String]) throws -> StoryBook {
    let picture = try Picture(width: 1, height: 1, pixels: [1, 2, 3])
    var details = StoryDetails(prompt: title, seed: 1, writer: title, illustrator: "p")
    details.language = .chinese
    var book = StoryBook(title: title, details)
    for (index, text) in texts.enumerated() {
      try book.add(
        StoryPage(
          number: index + 1, text: text, picture: picture, caption: text,
          citations: [StoryCitation(number: 1, place: text)]))
    }
    return book
  }

  /// The files of an archive, by their names.
  private func files(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
    try bytes.withUnsafeBytes { buffer in
      let entries = try ZipDirectory(buffer, file: "book").entries
      return entries.mapValues { entry in
        #expect(entry.method == 0 && entry.byteCount == entry.range.count)
        let file = Array(buffer[entry.range])
        #expect(CRC32.checksum(file) == entry.checksum)
        return file
      }
    }
  }

  @Test("an EPUB begins with its kind, unpacked, and has every file of its manifest and no other")
  func archive() throws {
    let audio: [Int: [UInt8]] = [2: [1, 2, 3]]
    let bytes = try book("A fox", ["a", "b"])
      .epub(modified: "2026-01-01T00:00:00Z", audio: audio, path: "x")
    #expect(String(decoding: bytes[30..<58], as: UTF8.self) == "mimetypeapplication/epub+zip")
    let files = try files(bytes)
    let text = String(decoding: files["EPUB/package.opf"] ?? [], as: UTF8.self)
    let named = Set(text.matches(of: /href="([^"]+)"/).map { "EPUB/\($0.output.1)" })
    let fixed: Set = ["mimetype", "META-INF/container.xml", "EPUB/package.opf"]
    #expect(Set(files.keys) == named.union(fixed))
    #expect(files["EPUB/02.wav"] == [1, 2, 3] && files["EPUB/01.png"]?.count ?? 0 > 60)
    let order = text.matches(of: /idref="([^"]+)"/).map { String($0.output.1) }
    #expect(order == ["title", "p01", "p02", "end"])
    #expect(text.contains("2026-01-01T00:00:00Z") && text.contains("<dc:language>zh<"))
    let second = String(decoding: files["EPUB/02.xhtml"] ?? [], as: UTF8.self)
    #expect(second.contains("src=\"02.wav\"") && second.contains("src=\"02.png\""))
  }

  @Test("a parser finds well-formed XML in every document, whatever title, words and sources say")
  func documents() throws {
    for text in Self.hostile {
      let bytes = try book(text, [text, text]).epub(modified: "2026-01-01T00:00:00Z", path: "x")
      for (name, file) in try files(bytes) where !name.hasSuffix(".png") && name.contains(".") {
        guard !name.hasSuffix(".css") else { continue }
        let parser = XMLParser(data: Data(file))
        #expect(
          parser.parse(),
          "\(name) of \(text.debugDescription): \(String(describing: parser.parserError))")
      }
    }
  }

  @Test("the same book has the same identifier, another another")
  func identifier() throws {
    func identifier(_ title: String) throws -> String {
      let bytes = try book(title, ["a"]).epub(modified: "2026-01-01T00:00:00Z", path: "x")
      let text = String(decoding: try files(bytes)["EPUB/package.opf"] ?? [], as: UTF8.self)
      return String(try #require(text.firstMatch(of: /urn:uuid:[0-9a-f-]{36}/)).output)
    }
    #expect(try identifier("a") == identifier("a") && identifier("a") != identifier("b"))
  }

  @Test("CRC-32 is that of the standard's check value")
  func checksum() { #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926) }
}
