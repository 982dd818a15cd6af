import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

@Suite("Models by their names on the hub") struct HubCacheTests {
  private static let commit = "0123456789abcdef0123456789abcdef01234567"

  @Test(
    "names, revisions, paths and pages' addresses are understood",
    arguments: [
      ("me/tiny", "me/tiny"), ("me/tiny-1.0_x", "me/tiny-1.0_x"),
      ("me/tiny:unet/a b.safetensors", "me/tiny:unet/a b.safetensors"),
      ("me/tiny@v1", "me/tiny@v1"), ("me/tiny@refs/pr/1:a.pt", "me/tiny@refs/pr/1:a.pt"),
      ("https://huggingface.co/me/tiny", "me/tiny"), ("hf.co/me/tiny/", "me/tiny"),
      ("https://hf.co/me/tiny/resolve/main/a%20b/c.pt?download=true", "me/tiny@main:a b/c.pt"),
      ("https://huggingface.co/me/tiny/blob/refs%2Fpr%2F1/c.pt", "me/tiny@refs/pr/1:c.pt"),
      ("https://huggingface.co/me/tiny/tree/v1", "me/tiny@v1"),
      ("http://mirror:8080/hub/me/tiny", "me/tiny"),
    ])
  func names(_ text: String, _ meaning: String) {
    #expect(HubReference(text, endpoint: "http://mirror:8080/hub")?.text == meaning)
  }

  @Test(
    "what is no name, or a file's path, or leads out of its folder is none",
    arguments: [
      "", "tiny", "a/b/c", "/me/tiny", "me/", "me/tiny.safetensors", "out/fox.png", "me/..",
      "../me",
      "-me/tiny", "me/tiny-", "me/ti--ny", "me/ti ny", "me/tiny:", "me/tiny:../x", "me/tiny:/x",
      "me/tiny:a//b", "me/tiny@", "me/tiny@../x", "me/tiny:a\0b", "https://example.com/me/tiny",
      "https://huggingface.co/me", "https://huggingface.co/me/tiny/resolve/main/%2E%2E/x",
      "https://huggingface.co/me/tiny/resolve/main/%zz", "https://huggingface.co/datasets/me/tiny",
    ])
  func noNames(_ text: String) {
    #expect(HubReference(text) == nil)
  }

  @Test(
    "the cache lies where Python's does",
    arguments: [
      (["HOME": "/h"], "/h/.cache/huggingface/hub"),
      (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
      (["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/f"], "/f/hub"),
      (["HOME": "/h", "HF_HOME": "~/f"], "/h/f/hub"),
      (["HF_HOME": "/f", "HUGGINGFACE_HUB_CACHE": "/o"], "/o"),
      (["HF_HOME": "/f", "HUGGINGFACE_HUB_CACHE": "/o", "HF_HUB_CACHE": "/c"], "/c"),
    ])
  func roots(_ variables: [String: String], _ root: String) {
    #expect(HubCache { variables[$0] }.root == root)
  }

  /// Puts files into a repository of a cache.
  private func put(_ names: [String], into cache: HubCache, _ refs: [String: String]) throws {
    let folder = cache.snapshot(Self.commit, of: "me/tiny")
    for name in names {
      let url = URL(fileURLWithPath: "\(folder)/\(name)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("x".utf8).write(to: url)
    }
    for (name, commit) in refs {
      let url = URL(fileURLWithPath: cache.revision(name, of: "me/tiny"))
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(commit.utf8).write(to: url)
    }
  }

  @Test(
    "a name is found by its branch, its commit and its path; a lone file of weights by the model's name"
  )
  func finding() throws {
    try withTemporaryFolder { root in
      let cache = HubCache(root: root)
      try put(["unet/config.json", "a.safetensors"], into: cache, ["main": Self.commit + "\n"])
      let folder = cache.snapshot(Self.commit, of: "me/tiny")
      #expect(try cache.located("me/tiny") == "\(folder)/a.safetensors")
      #expect(try cache.located("me/tiny@\(Self.commit):unet") == "\(folder)/unet")
      #expect(try cache.located("me/tiny:a.safetensors") == "\(folder)/a.safetensors")
      #expect(HubCache.name(of: "\(folder)/") == "me/tiny")
      #expect(HubCache.name(of: "\(folder)/a.safetensors") == "a.safetensors")
      #expect(HubCache.repository(of: "\(folder)/unet/config.json") == "me/tiny")
      try put(["model_index.json"], into: cache, [:])
      #expect(try cache.located("me/tiny") == folder)
      for name in ["me/tiny@v2", "me/tiny:b.safetensors", "me/other"] {
        let error = #expect(throws: FormatError.self) { try cache.located(name) as String }
        #expect("\(error as Any)".contains("lantern pull \(name) fetches it"))
      }
      // What looks like a path is left to those who read it.
      for name in ["me/style.safetensors", "nothing", "\(root)/none"] {
        #expect(try cache.located(name) == name)
      }
    }
  }

  @Test("where other revisions alone are there, the error names them; a damaged one is none")
  func otherRevisions() throws {
    try withTemporaryFolder { root in
      let cache = HubCache(root: root)
      try put(["model_index.json"], into: cache, ["v1": Self.commit, "bad": "../../.."])
      let error = #expect(throws: FormatError.self) { try cache.located("me/tiny") as String }
      #expect("\(error as Any)".contains("me/tiny@v1"))
      let bad = try #require(HubReference("me/tiny@bad"))
      #expect(cache.commit(of: bad) == nil)
    }
  }
}
