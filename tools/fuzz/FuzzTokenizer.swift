import Foundation
import LanternTokenizers

private let names = [
  "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
  "added_tokens.json", "tokenizer.json",
]
private let folder = NSTemporaryDirectory() + "fuzz-tokenizer-\(getpid())"

/// Any files are read as a tokenizer or refused, and what is read cuts any text into tokens that it
/// has. First comes a letter, C for CLIP's and G for GPT-2's; then, parted by zeros, the files, of
/// which empty ones are absent, and the text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: data, count: count)
  guard let kind = bytes.first else { return 0 }
  var parts = bytes.dropFirst().split(
    separator: 0, maxSplits: names.count, omittingEmptySubsequences: false)
  let text = parts.count > names.count ? String(decoding: parts.removeLast(), as: UTF8.self) : "a b"
  mkdir(folder, 0o700)
  for (index, name) in names.enumerated() {
    let path = "\(folder)/\(name)"
    unlink(path)
    guard index < parts.count, !parts[index].isEmpty else { continue }
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    let written = parts[index].withContiguousStorageIfAvailable {
      write(file, $0.baseAddress, $0.count)
    }
    precondition(written == parts[index].count, "the folder cannot be written")
  }
  if kind == UInt8(ascii: "G") {
    guard let tokenizer = try? GPT2Tokenizer(folder: folder) else { return 0 }
    check(tokenizer.encode(text), of: text)
    _ = tokenizer.decode(tokenizer.encode(text))
  } else {
    guard let tokenizer = try? CLIPTokenizer(folder: folder) else { return 0 }
    check(tokenizer.encode(text), of: text)
  }
  return 0
}

/// No token stands for less than nothing: there are at most a few for each byte, none negative.
private func check(_ ids: [Int], of text: String) {
  precondition(ids.allSatisfy { $0 >= 0 }, "a negative token")
  precondition(ids.count <= 4 * text.utf8.count + 4, "\(ids.count) tokens")
}
