package import LanternFormats
package import LanternTensor

/// The tensors of a checkpoint with what adapters add to some of them, which are f32 then; the others are as they are
/// stored.
package struct AdaptedFile: TensorFile {
  private let archive: TensorArchive
  private let adapters: [Adapter]
  private let component: String
  /// Names of the tensors that adapters change.
  private let changed: Set<String>
  private let isTransposed: @Sendable (_ name: String) -> Bool

  /// - Parameters:
  ///   - archive: the checkpoint, under the names that adapters call layers by.
  ///   - adapters: what is added to it.
  ///   - component: which part of a model it is, as adapters name it.
  ///   - isTransposed: whether a weight is stored as `[input, output]`.
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for an adapter that is for another model.
  package init(
    _ archive: TensorArchive, adding adapters: [Adapter], of component: String,
    isTransposed: @escaping @Sendable (_ name: String) -> Bool
  ) throws(ModelError) {
    (self.archive, self.adapters, self.component) = (archive, adapters, component)
    self.isTransposed = isTransposed
    var changed: Set<String> = []
    for adapter in adapters {
      for name in archive.names {
        guard let (layer, isBias) = Self.layer(of: name) else { continue }
        let changes =
          isBias
          ? adapter.hasBias([layer], of: component) : adapter.hasWeight([layer], of: component)
        if changes { changed.insert(name) }
      }
      if let layer = adapter.layersWithBias(of: component).first(where: { layer in
        !archive.names.contains { Self.layer(of: $0).map { $0 == (layer, true) } ?? false }
      }) {
        throw .inconsistent(
          reason: "it adds to a bias of \(JSON.quoted(layer)), which the model does not have",
          file: adapter.path)
      }
    }
    self.changed = changed
  }

  /// The layer of a weight or bias, as adapters' names are compared.
  private static func layer(of name: String) -> (layer: String, isBias: Bool)? {
    for (ending, isBias) in [(".weight", false), (".bias", true)] where name.hasSuffix(ending) {
      return (AdapterName.plain(String(name.dropLast(ending.count))), isBias)
    }
    return nil
  }

  package var path: String { archive.origin }
  package var names: [String] { archive.names }
  package var metadata: [String: String] { archive.metadata }
  package var byteCount: Int { archive.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    archive.info(name).map { (changed.contains(name) ? "F32" : $0.dtype, $0.shape) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let stored = try archive.tensor(name) else { return nil }
    guard changed.contains(name), let (layer, isBias) = Self.layer(of: name) else { return stored }
    do throws(ModelError) {
      let isTransposed = !isBias && stored.rank == 2 && isTransposed(name)
      let weight = isTransposed ? try Self.transposed(stored) : stored
      let sum = try adapters.added(to: weight, of: [layer], isBias: isBias, component)
      return isTransposed ? try Self.transposed(sum) : sum
    } catch {
      switch error {
      case .file(let error): throw error
      case .tensor(let error): throw .tensor(error)
      default: throw .unfitAdapter(complaint: "\(error)")
      }
    }
  }

  private static func transposed(_ tensor: Tensor) throws(ModelError) -> Tensor {
    do {
      return try tensor.transposed(0, 1).contiguous()
    } catch {
      throw .tensor(error)
    }
  }

  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    changed.contains(name) ? nil : try archive.blocks(name)
  }

  package func releasePages() { archive.releasePages() }
}

extension [Adapter] {
  /// A weight or bias with what all adapters add to it, in f32 then.
  ///
  /// - Parameters:
  ///   - tensor: the weight or bias.
  ///   - layer: the layer's name with `_` for `.`, in the spellings that files may have.
  ///   - isBias: whether it is a bias.
  ///   - component: such as `unet`.
  /// - Returns: the sum; the tensor where nothing is added.
  /// - Throws: ``ModelError`` where what is added has another shape, or is not finite.
  func added(to tensor: Tensor, of layer: [String], isBias: Bool, _ component: String)
    throws(ModelError) -> Tensor
  {
    var sum = tensor
    for adapter in self {
      let saved = try adapter.saved(layer, of: component, isBias: isBias, shape: tensor.shape)
      if let saved { sum = saved }
      let change =
        isBias
        ? try adapter.biasChange(to: layer, of: component, shape: tensor.shape)
        : try adapter.change(to: layer, of: component, weight: saved ?? tensor)
      do {
        if let change { sum = try sum.converted(to: .float32) + change }
      } catch {
        throw .tensor(error)
      }
    }
    return sum
  }
}
