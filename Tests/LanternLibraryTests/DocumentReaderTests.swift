import Foundation
import LanternFormats
import LanternLibrary
import TestSupport
import Testing

/// Each kind of document is read to the same text: headings, paragraphs, pages.
@Suite struct DocumentReaderTests {
  static let whole: [DocumentText.Block] = [
    .heading(level: 1, "Animals of the wood"), .heading(level: 2, "Badgers"),
    .paragraph("Badgers sleep in a sett. It has many rooms."),
    .paragraph("They come out at night."), .heading(level: 2, "Foxes"),
    .paragraph("A fox lives in a den. “Cafés” are not for it."),
  ]

  static func read(
    _ bytes: [UInt8], as name: String, limits: DocumentLimits = DocumentLimits()
  ) throws -> DocumentText {
    let kind = try #require(DocumentKind.named(name))
    return try kind.read(DocumentKind.Input(bytes: bytes, source: name, limits: limits))
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture("library/\(name)"))))
  }

  @Test(
    "headings and paragraphs come in their order, without scripts and marks",
    arguments: ["md", "html", "docx", "epub"])
  func blocks(_ ending: String) throws {
    let document = try Self.read(Self.bytes("animals.\(ending)"), as: "animals.\(ending)")
    #expect(document.blocks == Self.whole)
    #expect(document.title == "Animals of the wood")
    #expect(document.language == "en")
  }

  @Test("plain text has paragraphs alone, in UTF-8 or UTF-16")
  func plain() throws {
    let bytes = try Self.bytes("animals.txt")
    let document = try Self.read(bytes, as: "animals.txt")
    #expect(
      document.blocks
        == Self.whole.map { block in
          if case .heading(_, let text) = block { .paragraph(text) } else { block }
        })
    let text = String(decoding: bytes, as: UTF8.self)
    var wide: [UInt8] = [0xFF, 0xFE]
    for unit in text.utf16 { wide += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
    #expect(try Self.read(wide, as: "animals.txt") == document)
    #expect(try Self.read([0xEF, 0xBB, 0xBF] + bytes, as: "animals.txt") == document)
  }

  @Test("Markdown's headings stand in one line or two, and its code is no heading")
  func markdown() throws {
    let text = "Top\n===\nwords\nthere\n### Low ###\n```\n# code\n\n```\n#tag\n\n- one\n- two\n"
    #expect(
      try Self.read(Array(text.utf8), as: "x.md").blocks == [
        .heading(level: 1, "Top"), .paragraph("words there"), .heading(level: 3, "Low"),
        .paragraph("# code"), .paragraph("#tag"), .paragraph("- one"), .paragraph("- two"),
      ])
  }

  @Test(
    "HTML in another encoding than UTF-8 is read as it says, and what is wrong with it is mended")
  func encodings() throws {
    let latin = Array("<meta charset=iso-8859-1><h1>Gr".utf8) + [0xF6] + Array("sse<p>a<b>c".utf8)
    #expect(
      try Self.read(latin, as: "x.html").blocks == [
        .heading(level: 1, "Grösse"), .paragraph("ac"),
      ])
    let wide = "<table><tr><td>a</td><td>b</td></tr><tr><td>狐狸</td></tr></table><!-- no -->"
    #expect(
      try Self.read(Array(wide.utf8), as: "x.html").blocks == [.paragraph("a b"), .paragraph("狐狸")])
  }

  @Test(
    "a PDF has pages, and a word that a line's end cuts is whole; without poppler its package is named"
  )
  func pdf() throws {
    do {
      let document = try Self.read(Self.bytes("animals.pdf"), as: "animals.pdf")
      #expect(document.title == "Animals of the wood")
      #expect(
        document.blocks == [
          .page(1),
          .paragraph("Badgers Badgers sleep in a sett. It has many rooms. They come out at night."),
          .page(2), .paragraph("Foxes A fox lives in a den. Cafes are not for it."),
        ])
    } catch LibraryError.missingReader(let kind, let package) {
      #expect(kind == "PDF" && package == "libpoppler-glib-dev")
    }
  }

  @Test("a document that is cut short anywhere gives an error or less text, and no other failure")
  func truncated() throws {
    for ending in ["docx", "epub", "html", "md"] {
      let bytes = try Self.bytes("animals.\(ending)")
      for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
        do {
          let text = try Self.read(Array(bytes.prefix(count)), as: "animals.\(ending)")
          #expect(text.blocks.count <= Self.whole.count + 2 && ["html", "md"].contains(ending))
        } catch let error as LibraryError {
          #expect(error.kind == .data, "\(error)")
        }
      }
    }
  }

  @Test("a damaged PDF, and what is no PDF, give one error")
  func damagedPDF() throws {
    let bytes = try Self.bytes("animals.pdf")
    for wrong in [Array("%PDF-1.4\nnothing".utf8), Array("text".utf8), Array(bytes.prefix(200))] {
      #expect(throws: LibraryError.self) { try Self.read(wrong, as: "x.pdf") }
    }
  }

  @Test(
    "elements too deep in one another, archives that unpack to too much and binary text are refused"
  )
  func bombs() throws {
    let deep = String(repeating: "<div>", count: 100_000) + "x"
    #expect {
      try Self.read(Array(deep.utf8), as: "x.html")
    } throws: { error in
      if case LibraryError.tooLarge(_, let what, _) = error { what.contains("deep") } else { false }
    }
    var limits = DocumentLimits()
    // One file is larger, or two are together.
    for limit in [20_000, 350_500] {
      limits.unpackedByteCount = limit
      #expect {
        try Self.read(Self.bytes("animals.docx"), as: "x.docx", limits: limits)
      } throws: { error in
        if case LibraryError.tooLarge(_, _, limit) = error { true } else { false }
      }
    }
    limits = DocumentLimits()
    limits.markupByteCount = 10
    #expect(throws: LibraryError.self) {
      try Self.read(Array("<p>0123456789".utf8), as: "x.html", limits: limits)
    }
    #expect(throws: LibraryError.self) { try Self.read([0, 1, 2], as: "x.txt") }
  }

  @Test("an archive that lies about a file's size is no larger for that, and its checksum counts")
  func lies() throws {
    var bytes = try Self.bytes("animals.docx")
    // The size in the central directory, which is the last "PK\1\2" of the document's entry.
    let name = Array("word/document.xml".utf8)
    let entry = try #require(
      bytes.indices.dropLast(46 + name.count).last { index in
        bytes[index...].starts(with: [0x50, 0x4B, 1, 2])
          && bytes[(index + 46)...].starts(with: name)
      })
    bytes[entry + 24] ^= 1
    #expect {
      try Self.read(bytes, as: "x.docx")
    } throws: { error in
      if case LibraryError.damaged(_, let reason) = error {
        reason.contains("document")
      } else {
        false
      }
    }
  }

  @Test("what is no document is unknown by its name")
  func unknown() {
    #expect(DocumentKind.named("fox.png") == nil && DocumentKind.named("FOX.HTM") != nil)
  }
}
