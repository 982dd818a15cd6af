import LanternPlatform
package import LanternTensor

/// The weights of one component: one file, or several with an index; safetensors, or PyTorch's own.
package struct TensorArchive: Sendable {
  private let files: [any TensorFile]
  private let fileIndex: [String: Int]
  /// The first file, or the index of several.
  package let origin: String
  /// The files as they were when they were opened; their bytes are mapped, and read much later.
  private var stamps: [FileStamp?]

  /// Which variant its files are of, as `fp16`; nil for the plain ones.
  package private(set) var variant: String?
  /// Notes on files that were read instead of the expected ones: a line each.
  package private(set) var notes: [String] = []
  /// Names of tensors that change nothing where no layer takes them.
  package private(set) var idle: Set<String> = []

  /// How to make a file that Lantern reads out of a pickle that it does not.
  static let conversion =
    "convert it: python -c 'import sys, torch; from safetensors.torch import save_file; "
    + "save_file({k: v.contiguous() for k, v in torch.load(sys.argv[1], weights_only=True).items()}, "
    + "sys.argv[2])' OLD NEW.safetensors"

  /// The files.
  package var paths: [String] { files.map(\.path) }

  /// Finds the weights in a folder under the first of `stems` that is there, whole or in parts;
  /// safetensors before PyTorch's checkpoints.
  ///
  /// As in diffusers, a folder that has none of the variant is read without; otherwise than there, a
  /// folder that has one variant alone is read without its being named.
  ///
  /// - Parameters:
  ///   - folder: the folder of the component.
  ///   - stems: names without ending, as `diffusion_pytorch_model`.
  ///   - variant: as `fp16` in `model.fp16.safetensors`; the plain files when nil.
  /// - Throws: ``FormatError/missingFile(path:remedy:)`` when there is none, or what makes a file or
  ///   index unsound.
  package init(folder: String, stems: [String], variant: String? = nil) throws(FormatError) {
    guard FileSystem.exists(folder) else {
      throw .missingFile(path: folder, remedy: "the model's folder is not complete: fetch it again")
    }
    guard FileSystem.isDirectory(folder) else { throw FileSystem.refusal(ofFolder: folder) }
    let files = WeightFiles(names: try FileSystem.list(folder), stems: stems)
    if let variant, let found = files.find(variant: variant) {
      try self.init(folder: folder, found)
      self.variant = variant
    } else if let found = files.find(variant: nil) {
      try self.init(folder: folder, found)
    } else if let only = files.variants.first, files.variants.count == 1,
      let found = files.find(variant: only)
    {
      try self.init(folder: folder, found)
      self.variant = only
      notes = ["\(folder): has weights of the variant \(JSON.quoted(only)) alone, which are used"]
    } else {
      throw files.missing(in: folder)
    }
  }

  /// The variants of weights that a folder has; none of one that is not there.
  package static func variants(in folder: String, stems: [String]) -> [String] {
    WeightFiles(names: (try? FileSystem.list(folder)) ?? [], stems: stems).variants
  }

  private init(folder: String, _ name: String) throws(FormatError) {
    if name.hasSuffix(".json") {
      try self.init(folder: folder, index: name)
    } else {
      self.init(files: [try openTensorFile(FileSystem.join(folder, name))])
    }
  }

  /// The tensors of several files; of two with one name the first file's counts.
  package init(files: [any TensorFile]) {
    self.files = files
    self.stamps = files.map { FileStamp(of: $0.path) }
    self.origin = files.first?.path ?? ""
    var fileIndex: [String: Int] = [:]
    for (index, file) in files.enumerated() {
      for name in file.names where fileIndex[name] == nil { fileIndex[name] = index }
    }
    self.fileIndex = fileIndex
    self.names = files.enumerated().flatMap { index, file in
      file.names.filter { fileIndex[$0] == index }
    }
  }

  /// The same tensors under other names.
  ///
  /// - Parameter views: what a tensor's name and shape become: one name or several, each with what it stands for.
  /// - Returns: the archive.
  package func renamed(
    _ views: (_ name: String, _ shape: [Int]) -> [(name: String, view: TensorView)]
  ) -> TensorArchive {
    var renamed = TensorArchive(
      files: files.enumerated().map { index, file in
        RenamedFile(
          file,
          file.names.filter { fileIndex[$0] == index }.flatMap { name in
            views(name, file.info(name)?.shape ?? [])
          })
      })
    (renamed.stamps, renamed.variant, renamed.notes) = (stamps, variant, notes)
    for name in names where idle.contains(name) {
      renamed.idle.formUnion(views(name, info(name)?.shape ?? []).map(\.name))
    }
    return renamed
  }

  /// The tensors of a file that is made of this archive's.
  ///
  /// - Parameters:
  ///   - file: which reads from this archive.
  ///   - idle: names of its tensors that change nothing where no layer takes them.
  /// - Returns: the archive.
  package func replacing(_ file: any TensorFile, idle: Set<String>) -> TensorArchive {
    var replaced = TensorArchive(files: [file])
    (replaced.stamps, replaced.variant, replaced.notes) = ([nil], variant, notes)
    replaced.idle = idle
    return replaced
  }

  private init(folder: String, index: String) throws(FormatError) {
    let path = FileSystem.join(folder, index)
    guard let members = try JSON.read(path).object?["weight_map"]?.object else {
      throw .wrongType(key: "weight_map", expected: "an object", file: path)
    }
    var names: [String: [String]] = [:]
    for (name, value) in members {
      guard let shard = value.string else {
        throw .wrongType(key: "weight_map.\(name)", expected: "a file's name", file: path)
      }
      // A name alone: an index must not lead out of its folder.
      guard !shard.isEmpty, shard != ".", shard != "..", !shard.contains("/"),
        !shard.contains("\\"), !shard.contains("\0")
      else {
        throw .unsupportedSetting(
          key: "weight_map.\(name)", value: JSON.quoted(shard), file: path)
      }
      names[shard, default: []].append(name)
    }
    var files: [any TensorFile] = []
    var fileIndex: [String: Int] = [:]
    var ordered: [String] = []
    for shard in names.keys.sorted() {
      let shardPath = FileSystem.join(folder, shard)
      guard FileSystem.exists(shardPath) else {
        throw .missingFile(path: shardPath, remedy: "\(index) names it: fetch the model again")
      }
      let file = try openTensorFile(shardPath)
      let wanted = Set(names[shard] ?? [])
      if let missing = wanted.filter({ !file.contains($0) }).min() {
        throw .missingTensor(name: missing, file: shardPath)
      }
      for name in file.names where wanted.contains(name) {
        fileIndex[name] = files.count
        ordered.append(name)
      }
      files.append(file)
    }
    self.files = files
    self.stamps = files.map { FileStamp(of: $0.path) }
    self.fileIndex = fileIndex
    self.names = ordered
    self.origin = path
  }

  /// Names of all tensors, file by file, in the order of their bytes.
  package let names: [String]

  /// Bytes that all files take.
  package var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// Texts that came with the files; of two with one key the first file's counts.
  package var metadata: [String: String] {
    files.reduce(into: [:]) { all, file in all.merge(file.metadata) { first, _ in first } }
  }

  /// Whether there is a tensor of this name.
  package func contains(_ name: String) -> Bool { fileIndex[name] != nil }

  /// The type, as the file spells it, and the shape of a tensor; `nil` where there is none.
  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    fileIndex[name].flatMap { files[$0].info(name) }
  }

  /// How the elements of a tensor are stored; `nil` where there is none, or of a type that Lantern does not compute with.
  package func format(_ name: String) -> BlockFormat? {
    info(name).flatMap { type, _ in
      ElementType.named(type)?.format ?? GGMLType.named(type)?.format
    }
  }

  /// A tensor; `nil` where there is none of this name.
  ///
  /// - Throws: as ``SafetensorsFile/tensor(_:)``; ``FormatError/changed(path:)`` where the file was
  ///   written to since it was opened.
  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    try unchangedFile(of: name)?.tensor(name)
  }

  /// A matrix in the blocks that it is stored in, as ``TensorFile/blocks(_:)``.
  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    try unchangedFile(of: name)?.blocks(name)
  }

  private func unchangedFile(of name: String) throws(FormatError) -> (any TensorFile)? {
    guard let index = fileIndex[name] else { return nil }
    let path = files[index].path
    if stamps[index]?.isWrittenTo(at: path) == true { throw .changed(path: path) }
    return files[index]
  }

  /// The file a tensor is in; for one that is nowhere, the first file or the index.
  package func file(of name: String) -> String { fileIndex[name].map { files[$0].path } ?? origin }

  /// Releases the mapped pages that were read; the system reads them again when they are touched.
  package func releasePages() {
    for file in files { file.releasePages() }
  }
}
