import LanternPlatform
package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of a judge, read from its `config.json`.
package struct JudgeConfig: Sendable {
  var blockOutChannels: [Int]
  var layersPerBlock: Int
  var normNumGroups: Int
  /// The things it knows, in the order of its outputs.
  package var subjects: [String]
  /// The colours it distinguishes; a thing may also have its own.
  package var colours: [String]
  /// The places (backgrounds) it distinguishes, the empty name for a plain one among them.
  package var places: [String]

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes are impossible.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      try config.expect("model_type", [.string("judge")])
      _ = try config.string("model_type")
      blockOutChannels = try config.integers("block_out_channels")
      layersPerBlock = try config.integer("layers_per_block")
      normNumGroups = try config.integer("norm_num_groups")
      subjects = try config.strings("subjects")
      colours = try config.strings("colours")
      places = try config.strings("places")
      try config.finishStrictly()
    } catch {
      throw .file(error)
    }
    let groups = normNumGroups
    guard (2...8).contains(blockOutChannels.count), (1...16).contains(layersPerBlock), groups > 0,
      blockOutChannels.allSatisfy({ (1...4096).contains($0) && $0 % groups == 0 }),
      !subjects.isEmpty, !colours.isEmpty, !places.isEmpty
    else {
      throw .inconsistent(
        reason: "block_out_channels must be 2 to 8 multiples of norm_num_groups, and there must be "
          + "subjects, colours and places", file: config.file)
    }
  }
}

/// A small convolutional detector of the things in a picture: a grid of cells, each with whether a thing
/// has its middle there, which, and in which colour; and a classifier of the background.
/// `training/judge.py` trains it.
package struct Judge: Sendable {
  /// A thing in a picture.
  package struct Sighting: Sendable, Equatable {
    /// What it is.
    package var subject: String
    /// The nearest of the colours.
    package var colour: String
    /// Whether it looks untinted.
    package var hasOwnColour: Bool
    /// Its middle, in pixels from the left and the top.
    package var x: Float
    /// See ``x``.
    package var y: Float
    /// How sure the judge is of it, 0…1.
    package var certainty: Float

    /// A detection.
    package init(
      subject: String, colour: String, hasOwnColour: Bool, x: Float, y: Float, certainty: Float
    ) {
      self.subject = subject
      self.colour = colour
      self.hasOwnColour = hasOwnColour
      self.x = x
      self.y = y
      self.certainty = certainty
    }
  }

  /// What a picture shows.
  package struct Reading: Sendable, Equatable {
    /// Its things, from left to right.
    package var things: [Sighting]
    /// Its place; empty for a plain background.
    package var place: String
    /// Features of the whole picture, one number a channel, for a Fréchet distance.
    package var features: [Float]
    /// Pixels a side of a cell of the grid.
    package var cellSize: Float

    /// A reading.
    package init(things: [Sighting], place: String, features: [Float], cellSize: Float) {
      self.things = things
      self.place = place
      self.features = features
      self.cellSize = cellSize
    }
  }

  package let config: JudgeConfig
  private let convIn: Conv2d
  private let blocks: [[ResnetBlock2D]]
  private let narrow: [Downsample2D]
  private let widen: Conv2d
  private let last: ResnetBlock2D
  private let things: Conv2d
  private let place: Linear

  private static let eps: Float = 1e-5

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: JudgeConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (widths, groups) = (config.blockOutChannels, config.normNumGroups)
    self.convIn = try Conv2d(
      weights["conv_in"], 3, widths[0], ConvolutionWindow(3, stride: 2, padding: .all(1)))
    var blocks: [[ResnetBlock2D]] = []
    var narrow: [Downsample2D] = []
    for (level, width) in widths.enumerated() {
      var resnets: [ResnetBlock2D] = []
      for layer in 0..<config.layersPerBlock {
        let inputs = layer == 0 && level > 0 ? widths[level - 1] : width
        resnets.append(
          try ResnetBlock2D(
            weights["blocks"][level][layer], inputs, width, groups: groups, eps: Self.eps))
      }
      blocks.append(resnets)
      if level < widths.count - 1 {
        narrow.append(try Downsample2D(weights["narrow"][level], width, padding: .all(1)))
      }
    }
    (self.blocks, self.narrow) = (blocks, narrow)
    let (coarse, fine) = (widths[widths.count - 1], widths[widths.count - 2])
    self.widen = try Conv2d(weights["widen"], coarse, fine, .pixel)
    self.last = try ResnetBlock2D(weights["last"], fine, fine, groups: groups, eps: Self.eps)
    let outputs = 1 + config.subjects.count + config.colours.count + 1
    self.things = try Conv2d(weights["things"], fine, outputs, .pixel)
    self.place = try Linear(weights["place"], coarse, config.places.count)
    try weights.finish()
  }

  /// Pixels a side of a cell of the grid.
  package var stride: Int { 1 << (config.blockOutChannels.count - 1) }

  /// Whether pictures of a size, in pixels, fall onto the grid.
  package func canRead(width: Int, height: Int) -> Bool {
    width % (2 * stride) == 0 && height % (2 * stride) == 0
  }

  /// The network.
  ///
  /// - Parameter picture: `[1, height, width, 3]`, −1…1; sizes are multiples of twice ``stride``.
  /// - Returns: logits of things `[1, height / stride, width / stride, 1 + subject + colour + 1]`,
  ///   of places `[1, place]`, and features `[1, channel]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ picture: Tensor
  ) throws(TensorError) -> (things: Tensor, places: Tensor, features: Tensor) {
    guard picture.shape.count == 4, picture.shape[0] == 1,
      canRead(width: picture.shape[2], height: picture.shape[1])
    else {
      throw .shape(
        op: "judge", expected: "[1, height, width, 3] in multiples of \(2 * stride)",
        found: picture.shape)
    }
    var x = try convIn(picture)
    var fine = x
    for (level, resnets) in blocks.enumerated() {
      if level > 0 {
        fine = x
        x = try narrow[level - 1](x)
      }
      for resnet in resnets { x = try resnet(x) }
    }
    let h = try last(fine + widen(x).upsampledNearest(by: 2))
    let channels = x.shape[3]
    let features = try x.reshaped([x.shape[1] * x.shape[2], channels]).transposed(0, 1)
      .contiguous().mean().reshaped([1, channels])
    return (try things(h.applying(.silu)), try place(features), features)
  }

  /// What a picture shows.
  ///
  /// - Parameters:
  ///   - picture: `[1, height, width, 3]`, −1…1; sizes are multiples of twice ``stride``.
  ///   - threshold: how sure the judge has to be of a thing.
  /// - Returns: its things, its place, and features.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func read(_ picture: Tensor, threshold: Float = 0.5) throws(TensorError) -> Reading {
    let found = try self(picture)
    let (rows, columns) = (found.things.shape[1], found.things.shape[2])
    let size = found.things.shape[3]
    let grid = try found.things.floats()
    let (subjects, colours) = (config.subjects.count, config.colours.count)
    func cell(_ row: Int, _ column: Int) -> ArraySlice<Float> {
      let start = (row * columns + column) * size
      return grid[start..<start + size]
    }
    func certainty(_ row: Int, _ column: Int) -> Float { grid[(row * columns + column) * size] }
    /// Of parts of a big thing, which look like small ones, only the surest counts.
    func isPeak(_ row: Int, _ column: Int) -> Bool {
      let here = certainty(row, column)
      for y in max(row - 4, 0)...min(row + 4, rows - 1) {
        for x in max(column - 4, 0)...min(column + 4, columns - 1)
        where certainty(y, x) > here { return false }
      }
      return here.isFinite
    }
    var things: [Sighting] = []
    for row in 0..<rows {
      for column in 0..<columns where isPeak(row, column) {
        let sure = 1 / (1 + exp(-certainty(row, column)))
        guard sure > threshold else { continue }
        let logits = Array(cell(row, column).dropFirst())
        let tint = logits[subjects...]
        things.append(
          Sighting(
            subject: config.subjects[Self.largest(logits[..<subjects])],
            colour: config.colours[Self.largest(tint.prefix(colours))],
            hasOwnColour: Self.largest(tint) == colours,
            x: (Float(column) + 0.5) * Float(stride), y: (Float(row) + 0.5) * Float(stride),
            certainty: sure))
      }
    }
    things.sort { $0.x < $1.x }
    return Reading(
      things: things, place: config.places[Self.largest(try found.places.floats()[...])],
      features: try found.features.floats(), cellSize: Float(stride))
  }

  /// Index of the largest number (argmax).
  private static func largest(_ numbers: ArraySlice<Float>) -> Int {
    let best = numbers.indices.max { numbers[$0] < numbers[$1] } ?? numbers.startIndex
    return best - numbers.startIndex
  }
}
