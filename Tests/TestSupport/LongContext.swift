import Foundation

/// Copies a small language model with a context of 2048 tokens in place of its 64, so that long texts fit.
///
/// - Parameters:
///   - name: a folder of `language_folders`, or a file of `gguf_models`.
///   - folder: where the copy goes.
/// - Returns: the copy's path.
/// - Throws: what reading and writing files throws.
package func longContextModel(_ name: String, in folder: String) throws -> String {
  let target = URL(fileURLWithPath: folder).appendingPathComponent(name)
  try? FileManager.default.removeItem(at: target)
  guard name.hasSuffix(".gguf") else {
    let source = fixture("language_folders/\(name)")
    try FileManager.default.copyItem(atPath: source, toPath: target.path)
    let config = target.appendingPathComponent("config.json")
    let text = try String(contentsOf: config, encoding: .utf8)
    let key = "\"max_position_embeddings\": "
    try Data(text.replacingOccurrences(of: key + "64", with: key + "2048").utf8).write(to: config)
    return target.path
  }
  var bytes = try Data(contentsOf: URL(fileURLWithPath: fixture("gguf_models/\(name)")))
  // The key is followed by its type, a u32, and the number.
  if let key = bytes.range(of: Data(".context_length".utf8)) {
    bytes.replaceSubrange(key.upperBound + 4..<key.upperBound + 6, with: [0, 8])
  }
  try bytes.write(to: target)
  return target.path
}
