import ArgumentParser
import Lantern
import LanternFormats
import LanternPictures
import LanternPlatform

/// `lantern upscale`: a larger picture of a picture.
struct UpscaleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upscale",
    abstract: "Enlarges a picture with a super-resolution network.",
    discussion: """
      lantern upscale small.png large.png --model FOLDER/RealESRGAN_x4plus.pth
      lantern upscale photo.jpg photo-x2.jpg -m FOLDER/x2plus.pth --tile 128

      FOLDER is where your networks are. The network is a file of ESRGAN, BSRGAN or Real-ESRGAN (RRDBNet), or one of Real-ESRGAN's small \
      ones (SRVGGNetCompact), as .pth or .safetensors. How many times it enlarges is in the file. \
      Pictures are enlarged tile by tile: smaller tiles take less memory and a little more time. \
      Transparency and the texts of the picture's file are kept.
      """)

  @Argument(
    help: ArgumentHelp("The picture: PNG or JPEG.", valueName: "in"), transform: FileArgument.named)
  var input: String
  @Argument(
    help: ArgumentHelp("Where to write: .png or .jpg.", valueName: "out"),
    transform: FileArgument.named)
  var output: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The network's file. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var model: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Pixels a side that are enlarged at once, a multiple of 8 from 64 to 2048. "
        + "(default: \(Upscaler.standardTile))", valueName: "pixels"))
  var tile: Int?

  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse([
      ("--precision", computing.precision != nil), ("--threads", threads.threads != nil),
    ])
    if model == nil {
      throw ValidationError("which network? Name its file with --model FILE")
    }
    for (path, what) in [(input, "picture"), (model ?? "", "network")]
    where path == output || FileStamp.areOne(path, output) {
      throw ValidationError("\(output): the \(what) would be replaced: give another name")
    }
    if let tile {
      do {
        try Upscaler.check(tile: tile)
      } catch {
        throw ValidationError(error.description)
      }
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try upscale(console) }
  }

  private func upscale(_ console: Console) throws {
    try Picture.checkExtension(of: output)
    try FileSystem.checkFolder(of: output)
    let picture = try PictureWithAlpha(contentsOf: input)
    let texts = try PictureMetadata(contentsOf: input)
    for note in picture.colours.notes { console.note(note) }
    threads.apply(console)
    let upscaler = remote.server == nil ? try load(console) : nil
    if let tile, tile >= max(picture.colours.width, picture.colours.height) {
      console.note("--tile \(tile) has no effect: the picture is no larger than one tile")
    }
    let enlarged =
      if let upscaler { try enlarge(picture, upscaler, console) } else {
        try picture.changed { try enlarge($0, on: remote.server ?? "", console) }
      }
    try write(enlarged, texts, console)
    console.result(
      output,
      event: [
        "event": .string("picture"), "path": .string(output),
        "width": .integer(enlarged.colours.width), "height": .integer(enlarged.colours.height),
        "scale": .integer(enlarged.colours.width / picture.colours.width),
        "alpha": .bool(enlarged.alpha != nil),
      ])
  }

  /// Loads the network, and prints that.
  private func load(_ console: Console) throws -> Upscaler {
    let begin = Console.now
    let upscaler = try Upscaler(
      file: HubCache.standard.located(model ?? ""), precision: computing.precision ?? .default)
    let (name, loading) = (FileSystem.split(upscaler.path).name, Console.now - begin)
    console.event([
      "event": .string("load"), "model": .string(name), "scale": .integer(upscaler.scale),
      "architecture": .string(upscaler.architecture), "seconds": .number(loading),
    ])
    console.detail(
      "\(name): \(upscaler.architecture), \(upscaler.scale) times, loaded in \(rounded(loading)) s")
    return upscaler
  }

  /// The colours, and the alpha channel as a grey picture.
  private func enlarge(_ picture: PictureWithAlpha, _ upscaler: Upscaler, _ console: Console)
    throws -> PictureWithAlpha
  {
    let begin = Console.now
    var bar = ProgressBar(console)
    defer { bar.end() }
    let tile = tile ?? Upscaler.standardTile
    let total =
      (picture.alpha == nil ? 1 : 2) * upscaler.tileCount(picture.colours, tile: tile)
    var done = 0
    let enlarged = try picture.changed { part in
      try upscaler.upscale(part, tile: tile) { _, _ in
        try Interruption.check()
        done += 1
        bar.show(done, of: total, "tile")
        console.event([
          "event": .string("tile"), "tile": .integer(done), "of": .integer(total),
          "seconds": .number(Console.now - begin),
        ])
      }
    }
    bar.end()
    console.detail("\(total) tiles, \(rounded(Console.now - begin)) s")
    return enlarged
  }

  /// Writes the picture with the texts of the one it was made of, as far as its format holds them.
  private func write(_ picture: PictureWithAlpha, _ texts: PictureMetadata, _ console: Console)
    throws
  {
    do {
      let notes = try picture.write(to: output, metadata: texts, replacing: true)
      for note in notes { console.note(note) }
    } catch PictureError.metadata(let key, let reason) {
      for note in try picture.write(to: output, metadata: [:], replacing: true) {
        console.note(note)
      }
      console.note("\(output): without the texts of \(input): \(key): \(reason)")
    }
  }
}
