package import LanternFormats
import LanternModels
import LanternPictures
import LanternDecoding
import LanternTensor
import LanternTokenizers

/// A picture to be drawn by the transformer alone: from nothing, or around what is known of it.
public struct TokenPictureRequest: Sendable {
  /// A side that a picture is extended to.
  public enum Side: String, Sendable, CaseIterable {
    case left, right, up, down
  }

  /// What the picture shows.
  public var prompt: String
  /// Seed of all random numbers; a random one for each new request.
  public var seed: UInt64 = Seed.random()
  /// Steps; the model's own when nil.
  public var steps: Int?
  /// Strength of guidance, 0 for none; the model's own when nil.
  public var guidance: Float?
  /// How many codes stay masked from step to step.
  public var schedule = MaskSchedule.cosine
  /// A picture to change or extend.
  public var initialPicture: Picture?
  /// Where ``initialPicture`` is drawn anew (white) and where it stays (black).
  public var mask: Mask?
  /// Whether what is kept of ``initialPicture`` is put back in the end, byte for byte, with a soft
  /// seam inside of what is drawn. Without, all of it goes through the image tokenizer.
  public var pastesKept = true
  /// Sides that ``initialPicture`` is extended to, each by half a picture.
  public var extensions: [Side] = []
  /// After how many steps a preview is decoded; 0 for none.
  public var previewInterval = 0

  /// A request for a picture of `prompt`.
  public init(prompt: String) { self.prompt = prompt }

  /// Notes on the picture's size and on the mask.
  fileprivate func notes(pixels side: Int, drawn: [Bool]) -> [String] {
    var notes: [String] = []
    guard let picture = initialPicture else { return notes }
    if picture.width != side || picture.height != side {
      notes.append(
        "of the picture's \(picture.width)×\(picture.height) pixels the middle square is taken, as "
          + "\(side)×\(side)")
    }
    guard let mask else { return notes }
    notes += mask.notes
    if !mask.fits(picture) {
      notes.append(
        "the mask is \(mask.width)×\(mask.height), and of it the middle square is taken too")
    }
    if !drawn.contains(true) {
      notes.append("the mask leaves nothing to draw: white in it is drawn anew")
    } else if !drawn.contains(false), extensions.isEmpty {
      notes.append("the mask leaves nothing to keep: white in it is drawn anew")
    }
    return notes
  }
}

extension StoryGenerator {
  /// Pixels a side of the pictures that the model draws.
  public var pixels: Int { model.pixels }

  /// Codes that a picture is made of.
  public var codesPerPicture: Int { model.side * model.side }

  /// Whether a folder holds a transformer that writes and draws, and not a model as diffusers lays
  /// it out.
  package static func isModel(_ path: String) -> Bool { UnifiedModel.isHere(path) }

  /// The weights of each part.
  package func parts() throws -> [(name: String, archive: TensorArchive)] { try model.parts() }

  /// Describes a picture, or answers a question about it.
  ///
  /// - Parameters:
  ///   - picture: of any size; its middle square is read.
  ///   - question: the question; empty for a caption.
  ///   - onText: called with words as they are written; throw to stop.
  /// - Returns: the words.
  /// - Throws: an error of the room where it arose, or what `onText` throws.
  public func caption(
    _ picture: Picture, question: String = "", onText: (String) throws -> Void = { _ in }
  ) throws -> String {
    let count = model.ids(of: question).count
    // What stands around the picture and before the words, and a word of an answer.
    let maximum = model.transformer.maximumLength - model.side * model.side - 5
    guard count <= maximum else {
      throw RequestError.longStory(what: "the question", tokens: count, maximum: maximum)
    }
    let text = try model.caption(
      picture, question: question, sampler: nil, noise: TokenNoise(seed: 0),
      maximum: min(100, maximum - count + 1), onText: onText)
    return String(text.drop { $0 == " " })
  }

  /// Describes a picture, or answers a question about it. Cancelling its task stops the work
  /// within one word; otherwise as ``caption(_:question:onText:)``.
  public func caption(of picture: Picture, question: String = "") async throws -> String {
    try await ComputeQueue.run { checkCancellation in
      try caption(picture, question: question) { _ in try checkCancellation() }
    }
  }

  /// Notes on words of a question that the model does not know: a line each.
  package func notes(on question: String) -> [String] {
    [model.note(on: question)].compactMap { $0 }
  }

  /// Draws a picture. Cancelling its task stops the work within one step.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the picture.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func picture(_ request: TokenPictureRequest) async throws -> Picture {
    try await ComputeQueue.run { checkCancellation in
      try draw(request) { _, _, _ in try checkCancellation() }
    }
  }

  /// Draws a picture on the caller's thread.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - onStep: called after each step with its number from 1, their count, and a preview where
  ///     one is due; throw to stop.
  /// - Returns: the picture.
  /// - Throws: an error of the room where it arose, or what `onStep` throws.
  public func draw(
    _ request: TokenPictureRequest,
    onStep: (_ number: Int, _ count: Int, _ preview: Picture?) throws -> Void = { _, _, _ in }
  ) throws -> Picture {
    try TokenPictureSetting.check(request, with: ())
    var story = StoryRequest(prompt: request.prompt)
    story.imageSteps = request.steps
    story.guidance = request.guidance
    story.schedule = request.schedule
    let settings = try StorySettings(story, model)
    let illustrator = MaskedIllustrator(model: model, decoder: settings.decoder)
    let caption = model.ids(of: request.prompt)
    let maximum = model.transformer.maximumLength - model.side * model.side - 8
    guard caption.count <= maximum else {
      throw RequestError.longStory(what: "the prompt", tokens: caption.count, maximum: maximum)
    }
    var cache = try model.makeCache()
    _ = try model.read(.text(model.drawingPrompt(caption)), into: &cache)
    let squares = CodeGrid.squares(request.extensions, model.side) + (request.mask == nil ? 0 : 1)
    let count = illustrator.decoder.steps * max(1, squares)
    var noise = TokenNoise(seed: request.seed)
    var done = 0
    func fill(_ start: [Int?]) throws -> [Int] {
      let before = done
      defer { done += illustrator.decoder.steps }
      return try illustrator.fill(start, after: &cache, noise: noise) { step in
        let number = before + step.number
        let every = request.previewInterval
        try onStep(number, count, every > 0 && number % every == 0 ? try step.preview() : nil)
      }
    }
    let metadata = WebUIText(request, model: model.path)
    let notes = [model.note(on: request.prompt)].compactMap { $0 } + settings.notes(on: story)
    guard let picture = request.initialPicture else {
      var drawn = try model.picture(fill([Int?](repeating: nil, count: model.side * model.side)))
      drawn.notes = notes
      return drawn.saying(metadata)
    }
    var grid = CodeGrid(codes: try model.codes(of: picture), width: model.side)
    if let mask = request.mask {
      grid.isDrawn = try mask.cells(model.side)
      grid.codes = try fill(zip(grid.codes, grid.isDrawn).map { $1 ? nil : $0 })
    }
    for (number, side) in request.extensions.enumerated() {
      noise = TokenNoise(seed: request.seed)[number + 1]
      try grid.extend(to: side, square: model.side, fill)
    }
    var drawn = try model.picture(grid.codes, width: grid.width)
    if request.pastesKept { drawn = try pasting(picture, request.mask, over: drawn, grid) }
    drawn.notes = notes + picture.notes + request.notes(pixels: model.pixels, drawn: grid.isDrawn)
    return drawn.saying(metadata)
  }

  /// The drawn picture with the kept part pasted into it.
  private func pasting(
    _ picture: Picture, _ mask: Mask?, over drawn: Picture, _ grid: CodeGrid
  ) throws -> Picture {
    let unit = model.pixels / model.side
    let (width, height) = (drawn.width, drawn.height)
    let (left, top) = (grid.left * unit, grid.top * unit)
    let square = try picture.middleSquare(model.pixels)
    let black = [UInt8](repeating: 0, count: model.pixels * model.pixels)
    let kept =
      try mask?.middleSquare(model.pixels)
      ?? Mask(width: model.pixels, height: model.pixels, pixels: black)
    let wide = try kept.enlarged(width: width, height: height, left: left, top: top)
      .limited(to: grid.isDrawn, columns: grid.width, rows: grid.height)
    return try square.enlarged(width: width, height: height, left: left, top: top)
      .replaced(by: drawn, where: wide, seam: MaskedLatent.seam)
  }
}

/// A picture's codes, wider or higher than what is drawn at once.
private struct CodeGrid {
  var codes: [Int]
  var width: Int
  /// Which codes were drawn anew.
  var isDrawn: [Bool]
  /// Where the square lies that it began from.
  private(set) var left = 0
  private(set) var top = 0

  var height: Int { codes.count / width }

  init(codes: [Int], width: Int) {
    self.codes = codes
    self.width = width
    isDrawn = [Bool](repeating: false, count: codes.count)
  }

  /// How many squares are filled in to extend one square to these sides.
  static func squares(_ sides: [TokenPictureRequest.Side], _ square: Int) -> Int {
    var grid = CodeGrid(codes: [Int](repeating: 0, count: square * square), width: square)
    var count = 0
    for side in sides {
      grid.extend(to: side, square: square) { start in
        count += 1
        return start.map { $0 ?? 0 }
      }
    }
    return count
  }

  /// Adds half a square of columns or rows: squares of the drawn size that lie half on what is
  /// known.
  mutating func extend(
    to side: TokenPictureRequest.Side, square: Int, _ fill: ([Int?]) throws -> [Int]
  ) rethrows {
    let more = max(1, square / 2)
    let isAcross = side == .left || side == .right
    let isBefore = side == .left || side == .up
    let wide = width + (isAcross ? more : 0)
    let high = height + (isAcross ? 0 : more)
    var larger = [Int?](repeating: nil, count: wide * high)
    var isNew = [Bool](repeating: true, count: wide * high)
    let (right, down) = (side == .left ? more : 0, side == .up ? more : 0)
    for y in 0..<height {
      for x in 0..<width {
        larger[(y + down) * wide + x + right] = codes[y * width + x]
        isNew[(y + down) * wide + x + right] = isDrawn[y * width + x]
      }
    }
    // Along the new edge, square after square, each half a square on.
    let along = isAcross ? high : wide
    var starts = Array(stride(from: 0, through: along - square, by: more))
    if let last = starts.last, last < along - square { starts.append(along - square) }
    let across = isBefore ? 0 : (isAcross ? wide : high) - square
    for start in starts {
      let (x0, y0) = isAcross ? (across, start) : (start, across)
      let positions = (0..<square * square).map { (y0 + $0 / square) * wide + x0 + $0 % square }
      for (position, code) in zip(positions, try fill(positions.map { larger[$0] })) {
        larger[position] = code
      }
    }
    codes = larger.map { $0 ?? 0 }
    width = wide
    isDrawn = isNew
    left += right
    top += down
  }
}
