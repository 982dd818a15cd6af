import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// What strangers write reaches a story's files as text and as nothing else.
@Suite struct StoryBookTests {
  /// Texts that would be more than text where escaping is not by scalar, or forgets a place.
  static let hostile =
    [
      "plain words, é and 狐", "", " ", "\n", "<b>\"A & B\"</b> _x_ [y](z)",
      "\"\u{301} onerror=alert(1) x=\"\u{301}", "\"\u{fe0f} autofocus \"\u{20dd}",
      "<\u{338}script>alert(1)<\u{338}/script>", ">\u{338}<\u{301}img src=x onerror=alert(1)>",
      "&\u{301}lt;&#x3c;&lt;", "'\u{301} onload='\u{301}", "</title><script>alert(1)</script>",
      "</title\u{301}><svg onload=alert(1)>", "<!-- ", "-->", "--!>", "]]>", "<![CDATA[", "<?php",
      "</p></section></body></html>", "</style><style>*{}", "javascript:alert(1)",
      "a\0b", "\u{1b}[31mred\u{1b}[0m", "\u{7f}\u{80}\u{9f}", "a\u{2028}b\u{2029}c\u{85}d",
      "a\r\nb\rc\u{b}d\u{c}e", "\u{202e}\u{2066}abc", "\u{fffe}\u{ffff}", "\u{301}\"",
      "\"\r\u{301}>",
      "\u{d}\u{a}\u{301}\"", "🏴‍☠️\"\u{200d}>\u{200d}<\u{200d}", "`", "\\\"", "\\", "=\"\"",
    ]
    + Array("\"'<>&`[]()!#*_".unicodeScalars).flatMap { scalar in
      ["\u{301}", "\u{fe0f}", "\u{200d}", "\u{e0020}", "\u{1f3fb}", "\u{0}", "\r"].map {
        "\(scalar)\($0)\(scalar)\($0) a=\(scalar)\($0)"
      }
    }

  private func book(_ title: String, _ texts: [String], colophon: String = "by us") throws
    -> StoryBook
  {
    let picture = try Picture(width: 1, height: 1, pixels: [1, 2, 3])
    var book = StoryBook(title: title, colophon: colophon)
    for (index, text) in texts.enumerated() {
      try book.add(StoryPage(number: index + 1, text: text, picture: picture))
    }
    return book
  }

  private static let head = [
    "html lang", "head", "meta charset", "meta http-equiv content", "meta name content", "title",
    "style", "body",
  ]

  /// What a page shows of a text.
  private func shown(_ text: String) -> [Unicode.Scalar] {
    var all: [Unicode.Scalar] = []
    var last: Unicode.Scalar = "a"
    for scalar in text.unicodeScalars {
      defer { last = scalar }
      if scalar == "\n", last == "\r" { continue }
      if "\r\u{b}\u{c}\u{85}\u{2028}\u{2029}".unicodeScalars.contains(scalar) {
        all.append("\n")
      } else {
        let isControl = scalar.value < 32 || (127..<160).contains(scalar.value)
        all.append(isControl && scalar != "\n" && scalar != "\t" ? "\u{fffd}" : scalar)
      }
    }
    return all
  }

  @Test("a parser finds in a story's page only what we wrote, whatever title, words and model say")
  func html() throws {
    let picture = Base64.encode(try Picture(width: 1, height: 1, pixels: [1, 2, 3]).png())
    for text in Self.hostile {
      let page = try HTMLPage(try book(text, [text, text], colophon: text).html)
      let section = ["section", "img src alt", "p"]
      #expect(page.elements.map(\.outline) == Self.head + ["h1"] + section + section + ["footer"])
      let wanted = shown(text)
      for (element, inner) in zip(page.elements, page.texts)
      where ["title", "h1", "p", "footer"].contains(element.name) {
        #expect(
          Array(inner.unicodeScalars) == wanted, "\(element.name) of \(text.debugDescription)")
      }
      for image in page.elements where image.name == "img" {
        #expect(image["src"] == "data:image/png;base64,\(picture)")
        #expect(Array((image["alt"] ?? "").unicodeScalars) == wanted)
      }
    }
  }

  @Test("the page says that it loads nothing and runs nothing, before anything else")
  func policy() throws {
    let page = try HTMLPage(try book("a", ["b"]).html)
    let policy = try #require(page.elements.first { $0["http-equiv"] != nil })
    #expect(policy["http-equiv"] == "Content-Security-Policy")
    let rules = (policy["content"] ?? "").components(separatedBy: "; ")
    #expect(rules.contains("default-src 'none'") && rules.contains("img-src data:"))
    #expect(!rules.contains { $0.hasPrefix("script-src") })
  }

  @Test("no control character is in a story's files")
  func controls() throws {
    for text in Self.hostile {
      let book = try book(text, [text], colophon: text)
      for file in [book.html, book.markdown] {
        #expect(
          !file.unicodeScalars.contains {
            $0 != "\n" && $0 != "\t" && $0.properties.generalCategory == .control
          })
      }
    }
  }

  @Test(
    "words are words in Markdown, at the beginning of a line too",
    arguments: [
      ("_x_ [y](z) `c` <b> *d* ~e~ $f$", #"\_x\_ \[y\](z) \`c\` \<b\> \*d\* \~e\~ \$f\$"#),
      ("![a](b)", #"!\[a\](b)"#), ("# a\n## b", "\\# a\n\\#\\# b"),
      ("- a\n+ b\n=\n1. c\n23) d\n1.5", "\\- a\n\\+ b\n\\=\n1\\. c\n23\\) d\n1\\.5"),
      ("    a\n\tb  \nc", "a\nb\nc"), (":--\n|:-", "\\:--\n\\|:-"),
      ("a - b + c = 1.", "a - b + c = 1."),
      ("https://a.b www.c.d Http://e", #"https\://a.b www\.c.d Http\://e"#),
      ("[\u{301}x]\u{301}(y)\u{301}", "\\[\u{301}x\\]\u{301}(y)\u{301}"), ("\\", #"\\"#),
      ("<\u{338}b>\u{338}", "\\<\u{338}b\\>\u{338}"), ("&lt;", #"\&lt;"#),
      ("a\u{2028}# b", "a\n\\# b"),
    ])
  func markdown(text: String, wanted: String) throws {
    let lines = try book("t", [text]).markdown.unicodeScalars.split(separator: "\n").map(
      String.init)
    let words = lines[2..<lines.count - 1].joined(separator: "\n")
    #expect(Array(words.unicodeScalars) == Array(wanted.unicodeScalars))
  }

  @Test("a heading, a picture's words and the last line keep to their line in Markdown")
  func markdownLines() throws {
    let text = try book("a\n# b", ["c\r\n\n](x)"], colophon: "d\n\ne").markdown
    #expect(
      text == ##"""
        # a \# b

        ![c \](x)](01.png)

        c

        \](x)

        *d e*

        """##)
  }
}
