import LanternFormats
import LanternLibrary
import TestSupport
import Testing

/// Pages of the web, from a server on this machine.
@Suite struct WebPageTests {
  private func fetch(
    _ path: String, limits: DocumentLimits = DocumentLimits(),
    _ answer: @escaping @Sendable (HubServer.Request) -> HubServer.Response
  ) async throws -> (page: WebPage, requests: [String]) {
    let server = try await HubServer(answer)
    do {
      let page = try await WebPage.fetch(
        server.address + path, limits: limits, variable: { _ in nil })
      try await server.stop()
      return (page, server.requests.map(\.path))
    } catch {
      try await server.stop()
      throw error
    }
  }

  @Test("an address is fetched once, behind its site's rules, and read by its type")
  func page() async throws {
    let (page, requests) = try await fetch("/a?b=c") { request in
      guard request.path != "/robots.txt" else { return .text(404, "") }
      return .text(
        200, "<h1>Fox</h1><a href=/other>more</a>",
        [("Content-Type", "text/html; charset=\"utf-8\"")])
    }
    #expect(requests == ["/robots.txt", "/a?b=c"])
    try withTemporaryFolder { root in
      let folder = LibraryFolder(root)
      do { try LibraryImport(try LibraryWriter("x", in: folder)).add(page: page) }
      let documents = try Library("x", in: folder).documents()
      #expect(documents.map(\.title) == ["Fox"] && documents[0].source == page.url)
      let other = WebPage(url: "http://host/x.png", bytes: [1], mediaType: "image/png")
      #expect(throws: LibraryError.self) {
        try LibraryImport(try LibraryWriter("x", in: folder)).add(page: other)
      }
    }
  }

  @Test("what robots.txt forbids is not fetched, and what its server fails to say is forbidden")
  func robots() async throws {
    await #expect {
      try await fetch("/private/a") { request in
        request.path == "/robots.txt"
          ? .text(200, "User-agent: *\nDisallow: /private/") : .text(200, "<p>x")
      }
    } throws: { error in
      if case LibraryError.forbiddenByRobots = error { true } else { false }
    }
    await #expect {
      try await fetch("/a") { request in .text(request.path == "/robots.txt" ? 503 : 200, "x") }
    } throws: { error in
      if case LibraryError.status(_, 503) = error { true } else { false }
    }
  }

  @Test(
    "rules: the longest counts, those that allow before those that do not, own groups before all")
  func rules() {
    let rules = RobotsRules(
      """
      # a site
      User-agent: other
      Disallow: /
      User-agent: *
      User-agent: more
      Disallow: /a
      Allow: /a/b  # but this
      Disallow: /*.pdf$
      Disallow: /q?x=*&y
      Disallow:
      """)
    for (path, isAllowed) in [
      ("/", true), ("/a", false), ("/abc", false), ("/a/b/c", true), ("/x.pdf", false),
      ("/x.pdf?y", true), ("/q?x=1&y=2", false), ("/q?x=1", true),
    ] {
      #expect(rules.allows(path) == isAllowed, "\(path)")
    }
    #expect(!RobotsRules("User-agent: Lantern\nDisallow: /\nUser-agent: *\nAllow: /").allows("/a"))
    #expect(RobotsRules("").allows("/a") && RobotsRules("Disallow: /").allows("/a"))
  }

  @Test("redirects are followed to a limit, and their targets' rules count")
  func redirects() async throws {
    let (page, requests) = try await fetch("/a") { request in
      switch request.path {
      case "/robots.txt": .text(404, "")
      case "/a": .text(302, "", [("Location", "/b")])
      default: .text(200, "text", [("Content-Type", "text/plain")])
      }
    }
    #expect(page.bytes == Array("text".utf8) && page.url.hasSuffix("/a"))
    #expect(requests.filter { $0 != "/robots.txt" } == ["/a", "/b"])
    await #expect {
      try await fetch("/a") { request in
        request.path == "/robots.txt" ? .text(404, "") : .text(302, "", [("Location", "/a")])
      }
    } throws: { error in
      "\(error)".contains("5 redirects")
    }
    await #expect(throws: LibraryError.self) {
      try await fetch("/a") { request in
        request.path == "/robots.txt"
          ? .text(404, "") : .text(302, "", [("Location", "file:///etc/passwd")])
      }
    }
  }

  @Test("what is too large, takes too long, fails or is no address of HTTP is refused")
  func refusals() async throws {
    var limits = DocumentLimits()
    limits.byteCount = 10
    await #expect {
      try await fetch("/a", limits: limits) { request in
        request.path == "/robots.txt" ? .text(404, "") : .text(200, "0123456789x")
      }
    } throws: { error in
      if case LibraryError.tooLarge(_, _, 10) = error { true } else { false }
    }
    limits = DocumentLimits()
    limits.seconds = 1
    await #expect {
      try await fetch("/a", limits: limits) { request in
        request.path == "/robots.txt"
          ? .text(404, "") : HubServer.Response(body: [1, 2, 3, 4], stallsAfter: 2)
      }
    } throws: { error in
      if case LibraryError.unreachable = error { true } else { false }
    }
    await #expect {
      try await fetch("/a") { _ in .text(404, "") }
    } throws: { error in
      if case LibraryError.status(_, 404) = error { true } else { false }
    }
    for url in ["ftp://host/a", "file:///a", "http://user:secret@host/a", "http://"] {
      await #expect(throws: LibraryError.self) { try await WebPage.fetch(url) }
    }
    #expect(
      WebPage.isAddress("https://host") && !WebPage.isAddress("a/b:c") && !WebPage.isAddress("C:/x")
    )
  }
}
