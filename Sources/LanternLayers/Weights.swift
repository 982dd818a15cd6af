import LanternPlatform
package import LanternFormats
package import LanternTensor

/// A cursor into a checkpoint: a prefix such as `down_blocks.0.resnets.1`, below which layers take their
/// tensors.
///
/// Layers are built with their weights; tensors that are taken are recorded, so that
/// ``finish(ignoring:later:)`` can name those that no layer took.
package struct Weights: Sendable {
  let archive: TensorArchive
  private let component: String
  let adapters: [Adapter]
  /// What the model computes in.
  package let precision: Precision
  private let prefix: String
  /// Whether matrices are planned from what the files say of them, and none is read.
  let isPlan: Bool
  /// Names of the tensors that were taken.
  let taken: Locked<Set<String>>
  /// Bytes that what was taken keeps in memory.
  let held: Locked<Int>
  /// The path of a module in another spelling that adapters may have.
  private let otherPath: @Sendable (_ path: String) -> String?

  /// The root of a checkpoint.
  ///
  /// - Parameters:
  ///   - archive: its files.
  ///   - component: which part of a model it is, as adapters name it.
  ///   - adapters: what is added to its weights.
  ///   - precision: what the model computes in.
  ///   - isPlan: whether linear maps are planned from what the files say of them: none is read, and the model computes
  ///     nothing.
  package init(
    _ archive: TensorArchive, of component: String = "", adding adapters: [Adapter] = [],
    precision: Precision = .exact, isPlan: Bool = false
  ) {
    self.archive = archive
    self.component = component
    self.adapters = adapters
    self.precision = precision
    self.prefix = ""
    self.isPlan = isPlan
    self.taken = Locked([])
    self.held = Locked(0)
    self.otherPath = { _ in nil }
  }

  private init(
    _ parent: Weights, _ name: String = "", otherPath: (@Sendable (String) -> String?)? = nil,
    archive: TensorArchive? = nil
  ) {
    self.archive = archive ?? parent.archive
    self.component = parent.component
    self.adapters = parent.adapters
    self.precision = parent.precision
    self.prefix = [parent.prefix, name].filter { !$0.isEmpty }.joined(separator: ".")
    self.isPlan = parent.isPlan
    self.taken = parent.taken
    self.held = parent.held
    self.otherPath = otherPath ?? parent.otherPath
  }

  /// The same cursor, whose adapters may have another spelling of modules' paths.
  ///
  /// - Parameter path: the other path of a module; nil where it has none.
  /// - Returns: the cursor.
  package func spelledToo(_ path: @escaping @Sendable (String) -> String?) -> Weights {
    Weights(self, otherPath: path)
  }

  /// The same cursor into a checkpoint whose tensors have other names.
  ///
  /// - Parameter views: as of ``TensorArchive/renamed(_:)``.
  /// - Returns: the cursor.
  package func renamed(
    _ views: (_ name: String, _ shape: [Int]) -> [(name: String, view: TensorView)]
  ) -> Weights {
    Weights(self, archive: archive.renamed(views))
  }

  /// The cursor at `name` below this one.
  package subscript(name: String) -> Weights { Weights(self, name) }
  /// The cursor at an index below this one.
  package subscript(index: Int) -> Weights { self[String(index)] }

  /// Bytes that what was taken keeps in memory, of a plan what it would: packed matrices, and tensors as f32; tables stay
  /// in their file.
  package var heldBytes: Int { held { $0 } }

  /// Path of the file here, for errors.
  package var file: String { archive.file(of: prefix) }
  /// Whether the checkpoint has a tensor `name` here.
  package func has(_ name: String) -> Bool { archive.contains(full(name)) }
  /// The cursor at `name`, or at `older` where the checkpoint still spells it so.
  package func either(_ name: String, _ older: String) -> Weights {
    self[older].has("weight") ? self[older] : self[name]
  }

  /// A tensor as f32: for scales, shifts and tables.
  ///
  /// - Parameters:
  ///   - name: of the tensor.
  ///   - shape: of the tensor.
  ///   - orReshaped: whether axes of size 1 may be left out, or be more.
  /// - Returns: the tensor.
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func tensor(_ name: String, _ shape: [Int], orReshaped: Bool = false) throws(ModelError)
    -> Tensor
  {
    let stored = try stored(name, shape, orReshaped: orReshaped)
    held { $0 += stored.elementCount * DType.float32.byteSize }
    do {
      return try stored.converted(to: .float32)
    } catch {
      throw .tensor(error)
    }
  }

  /// A tensor in the type it is stored in, its bytes left in the file: for large tables of which
  /// few rows are read.
  ///
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package func table(_ name: String, _ shape: [Int]) throws(ModelError) -> Tensor {
    try stored(name, shape, orReshaped: false)
  }

  /// Ends the loading of a model: releases the pages of the file that were read.
  ///
  /// - Parameters:
  ///   - ignoring: endings of names that may stay unused.
  ///   - later: prefixes whose tensors are taken later, if at all.
  /// - Throws: ``ModelError/unusedTensors(names:file:)`` when tensors are left over.
  package func finish(ignoring: [String] = [], later: [String] = []) throws(ModelError) {
    let taken = taken { $0 }
    let left = archive.names.filter { name in
      !taken.contains(name) && !archive.idle.contains(name)
        && !ignoring.contains { name.hasSuffix($0) }
        && !later.contains { name.hasPrefix("\($0).") }
    }
    archive.releasePages()
    // Packing allocated buffers of sizes that nothing else uses.
    BufferPool.shared.drain(atLeast: 1 << 20)
    if let first = left.first { throw .unusedTensors(names: left, file: archive.file(of: first)) }
  }

  func stored(_ name: String, _ shape: [Int], orReshaped: Bool) throws(ModelError) -> Tensor {
    let key = full(name)
    let file = archive.file(of: key)
    let found: Tensor?
    do {
      found = try archive.tensor(key)
    } catch {
      throw .file(error)
    }
    guard let found else { throw .missingTensor(name: key, file: file) }
    taken { _ = $0.insert(key) }
    let fits = found.shape == shape
    let fitsFlattened = orReshaped && found.shape.filter { $0 != 1 } == shape.filter { $0 != 1 }
    guard fits || fitsFlattened else {
      throw .wrongShape(name: key, expected: shape, found: found.shape, file: file)
    }
    guard found.dtype.isFloatingPoint else {
      throw .wrongType(name: key, found: found.dtype, file: file)
    }
    guard isPlan || found.isFiniteEverywhere else { throw .notFinite(name: key, file: file) }
    let weight: Tensor
    do {
      weight = fits ? found : try found.reshaped(shape)
    } catch {
      throw .tensor(error)
    }
    return try adapted(weight, key)
  }

  /// A weight or bias with what adapters add to it, in f32 then.
  private func adapted(_ tensor: Tensor, _ key: String) throws(ModelError) -> Tensor {
    guard !adapters.isEmpty else { return tensor }
    let isBias = key.hasSuffix(".bias")
    guard isBias || key.hasSuffix(".weight") else { return tensor }
    let layer = spellings(String(key.dropLast(isBias ? ".bias".count : ".weight".count)))
    return try adapters.added(to: tensor, of: layer, isBias: isBias, component)
  }

  /// The bias of a layer that has none of its own; nil where adapters add none.
  ///
  /// - Throws: ``ModelError`` when an adapter's is of another shape, or not finite.
  package func addedBias(_ shape: [Int]) throws(ModelError) -> Tensor? {
    let layer = spellings(prefix)
    guard adapters.contains(where: { $0.hasBias(layer, of: component) }) else { return nil }
    do {
      return try adapted(Tensor(repeating: 0, shape: shape), "\(prefix).bias")
    } catch let error as TensorError {
      throw .tensor(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .inconsistent(reason: "\(error)", file: prefix)
    }
  }

  /// Names that adapters may have for a module.
  private func spellings(_ path: String) -> [String] {
    ([path] + [otherPath(path)].compactMap(\.self)).map(AdapterName.plain)
  }

  func full(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }
}
