import LanternFormats
import Testing

@Suite("Control characters of strangers") struct VisibleTextTests {
  @Test(
    "what a terminal would obey, or what turns text around, is shown as an escape, and nothing else"
  )
  func escapes() {
    let controls =
      Array(0..<0x20) + Array(0x7F..<0xA0) + [0x61C, 0x200E, 0x200F] + Array(0x2028...0x202E)
      + Array(0x2066...0x2069)
    for value in UInt32(0)...0x10FFFF where value < 0x3000 || value % 97 == 0 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      #expect(scalar.isControl == controls.contains(Int(value)))
    }
    #expect("a\u{1B}[31m\u{9B}b".escapingControls() == "a\\u{1B}[31m\\u{9B}b")
    // Scalars, not characters: a mark that joins them hides none.
    #expect("\u{1B}\u{301}\r\n".escapingControls() == "\\u{1B}\u{301}\\u{D}\\u{A}")
    #expect("a\tb\r\nc".escapingControls(keepingLines: true) == "a\tb\\u{D}\nc")
    for text in ["狐狸 🦊 👨‍👩‍👧 é e\u{301}", "", "a b"] { #expect(text.escapingControls() == text) }
  }

  @Test("JSON that is written holds none either, and is read back as it was")
  func json() throws {
    let text = String(
      String.UnicodeScalarView((UInt32(0)...0x2100).compactMap(Unicode.Scalar.init)))
    let written = JSON.write(.object([text: .string(text)]))
    #expect(!written.unicodeScalars.contains { $0.isControl })
    #expect(try JSON.parse(text: written, file: "x") == .object([text: .string(text)]))
  }
}
