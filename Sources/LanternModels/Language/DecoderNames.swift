import LanternFormats
import LanternLayers

/// How a family's checkpoints spell a decoder's tensors, as a table to the names that the models here have: those of
/// transformers' Llama, and of its Phi.
struct DecoderNames: Sendable {
  /// What a module of a layer is here.
  enum Part: Sendable {
    /// A module of another name.
    case module(String)
    /// transformers' `Conv1D`, whose weight is `[inputs, outputs]`.
    case transposed(String)
    /// Queries, keys and values in one matrix, in so many groups, in each of which they lie one behind the other.
    case joined(groups: Int, isTransposed: Bool = false)
    /// A stack of matrices, one for each expert.
    case stack(String)
    /// A stack of two matrices for each expert: first the gates' rows, then the values'.
    case gatedStack
  }

  /// What names may begin with, and need not.
  var prefixes: [String] = []
  /// The path before a layer's number.
  var layers = "model.layers"
  /// Modules outside of layers.
  var root: [String: String] = [:]
  /// Modules of a layer, where `#` stands for a number.
  var parts: [String: Part] = [:]

  /// More experts than any layer has.
  static let expertLimit = 4096

  /// What a tensor of a checkpoint is here; a name that is not in the table stays.
  func views(_ name: String, _ shape: [Int], _ sizes: DecoderSizes) -> [(
    name: String, view: TensorView
  )] {
    let prefix = prefixes.first { name.hasPrefix($0) } ?? ""
    let path = name.dropFirst(prefix.count)
    guard let dot = path.lastIndex(of: ".") else { return [(name, TensorView(name))] }
    if let module = root[String(path[..<dot])] {
      return [(module + path[dot...], TensorView(name))]
    }
    let steps = path.split(separator: ".").map(String.init)
    let count = layers.split(separator: ".").count
    guard path.hasPrefix("\(layers)."), steps.count > count + 2 else {
      return [(name, TensorView(name))]
    }
    let layer = "model.layers.\(steps[count])."
    let within = steps[(count + 1)...]
    let number = within.first { Int($0) != nil }
    func part(_ steps: ArraySlice<String>) -> Part? {
      parts[steps.map { $0 == number ? "#" : $0 }.joined(separator: ".")]
    }
    func here(_ module: String) -> String {
      layer + (number.map { module.replacing("#", with: $0) } ?? module)
    }
    // Stacks of experts are parameters of their own, without a module's `weight`.
    if let stack = part(within) { return views(of: stack, name, "", shape, sizes, here) }
    guard let part = part(within.dropLast()) else { return [(name, TensorView(name))] }
    return views(of: part, name, String(path[dot...]), shape, sizes, here)
  }

  private func views(
    of part: Part, _ name: String, _ kind: String, _ shape: [Int], _ sizes: DecoderSizes,
    _ here: (String) -> String
  ) -> [(name: String, view: TensorView)] {
    let isMatrix = kind == ".weight"
    switch part {
    case .module(let module): return [(here(module) + kind, TensorView(name))]
    case .transposed(let module):
      return [(here(module) + kind, TensorView(name, isTransposed: isMatrix))]
    case .joined(let groups, let isTransposed):
      let queries = sizes.heads / groups * sizes.sizeOfHead
      let keys = sizes.headsOfKeys / groups * sizes.sizeOfHead
      let rows = [
        ("q", 0..<queries), ("k", queries..<queries + keys),
        ("v", queries + keys..<queries + 2 * keys),
      ]
      return rows.map { letter, rows in
        var view = TensorView(name, rows: rows, isTransposed: isMatrix && isTransposed)
        (view.groups, view.allRows) = (groups, groups * (queries + 2 * keys))
        return (here("self_attn.\(letter)_proj") + kind, view)
      }
    case .stack(let module):
      return matrices(name, shape) { here("mlp.experts.\($0).\(module).weight") }
    case .gatedStack:
      let inner = shape.count == 3 ? shape[1] / 2 : 0
      return ["gate_proj", "up_proj"].enumerated().flatMap { index, module in
        matrices(name, shape, rows: index * inner..<(index + 1) * inner) {
          here("mlp.experts.\($0).\(module).weight")
        }
      }
    }
  }

  /// Each matrix of a stack; the whole under its own name where it is none.
  private func matrices(
    _ name: String, _ shape: [Int], rows: Range<Int>? = nil, here: (Int) -> String
  ) -> [(name: String, view: TensorView)] {
    guard shape.count == 3, (1...Self.expertLimit).contains(shape[0]) else {
      return [(name, TensorView(name))]
    }
    return (0..<shape[0]).map { index in
      var view = TensorView(name, rows: rows)
      view.matrix = index
      view.allRows = rows == nil ? nil : shape[1]
      return (here(index), view)
    }
  }
}

extension Weights {
  /// The same checkpoint, whose tensors have the names that the models here have.
  func renamed(by names: DecoderNames?, _ sizes: DecoderSizes) -> Weights {
    guard let names else { return self }
    return renamed { name, shape in names.views(name, shape, sizes) }
  }
}
