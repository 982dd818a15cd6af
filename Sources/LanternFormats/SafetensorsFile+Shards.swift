import LanternPlatform

/// The size of shards, as `save_pretrained` takes it: `max_shard_size`.
package enum ShardSize {
  private static let units = ["KB": 3, "MB": 6, "GB": 9, "TB": 12]

  /// Bytes of a size such as `500MB`: an integer of KB, MB, GB or TB, each 1000 of the one before.
  ///
  /// - Parameter text: the size.
  /// - Returns: bytes; nil for no size, or for 0.
  package static func bytes(_ text: String) -> Int? {
    let text = text.uppercased().filter { $0 != " " }
    guard let zeros = units[String(text.suffix(2))], let number = Int(text.dropLast(2)), number > 0
    else { return nil }
    let (bytes, overflows) = number.multipliedReportingOverflow(
      by: (0..<zeros).reduce(1) { power, _ in power * 10 })
    return overflows ? nil : bytes
  }
}

extension SafetensorsFile {
  /// Writes tensors as one file `STEM.safetensors`, or where they take more than a size as several,
  /// `STEM-00001-of-0000N.safetensors`, with `STEM.safetensors.index.json`, as huggingface_hub divides them: in their order, a
  /// new file where a tensor would not fit into the last, and one of its own for a tensor that is larger than the size.
  ///
  /// - Parameters:
  ///   - tensors: each under a name of its own.
  ///   - folder: where to.
  ///   - stem: of the files' names.
  ///   - limit: bytes of a file's tensors; one file for all when nil.
  ///   - countsParameters: whether the index has `total_parameters`, as transformers' does.
  /// - Throws: as ``write(_:metadata:to:_:)``.
  package static func write(
    _ tensors: [PlannedTensor], in folder: String, stem: String, limit: Int?,
    countsParameters: Bool = false
  ) throws(FormatError) {
    let shards = limit.map { Self.shards(of: tensors, limit: $0) } ?? [tensors]
    let metadata = ["format": "pt"]
    guard shards.count > 1 else {
      return try write(
        tensors, metadata: metadata, to: FileSystem.join(folder, "\(stem).safetensors"))
    }
    var files: [String: JSONValue] = [:]
    for (number, shard) in shards.enumerated() {
      let name = "\(stem)-\(padded(number + 1))-of-\(padded(shards.count)).safetensors"
      for tensor in shard { files[tensor.name] = .string(name) }
      try write(shard, metadata: metadata, to: FileSystem.join(folder, name))
    }
    var totals = ["total_size": JSONValue.integer(tensors.reduce(0) { $0 + $1.byteCount })]
    if countsParameters {
      totals["total_parameters"] = .integer(
        tensors.reduce(0) { $0 + $1.shape.reduce(1, *) })
    }
    let index: JSONValue = .object(["metadata": .object(totals), "weight_map": .object(files)])
    try AtomicFile.write(
      Array((JSON.indented(index) + "\n").utf8),
      to: FileSystem.join(folder, "\(stem).safetensors.index.json"))
  }

  private static func shards(of tensors: [PlannedTensor], limit: Int) -> [[PlannedTensor]] {
    var (shards, shard, size): ([[PlannedTensor]], [PlannedTensor], Int) = ([], [], 0)
    for tensor in tensors {
      let count = tensor.byteCount
      guard count <= limit else {
        shards.append([tensor])
        continue
      }
      if size + count > limit {
        shards.append(shard)
        (shard, size) = ([], 0)
      }
      shard.append(tensor)
      size += count
    }
    return shard.isEmpty && !shards.isEmpty ? shards : shards + [shard]
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
