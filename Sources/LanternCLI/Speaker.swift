import Lantern
import LanternFormats
import LanternPlatform

/// Reads pages aloud with espeak-ng, where it is installed.
struct Speaker {
  private static let program = "espeak-ng"
  private let voice: String

  /// - Parameter language: of the words.
  init(_ language: StoryLanguage) { voice = language == .chinese ? "cmn" : "en" }

  /// Checks, before work begins, that pages can be read aloud.
  ///
  /// - Throws: ``SpeechError/missing`` where the program is not installed.
  static func check() throws {
    guard case .exit(0) = ChildProcess.run(program, ["--version"]) else {
      throw SpeechError.missing
    }
  }

  /// Writes what words sound like: a WAV file, whole or not at all.
  ///
  /// - Throws: ``SpeechError/failed(path:)``, ``FormatError/cannotWrite(path:code:)``.
  func speak(_ words: String, to path: String) throws {
    let parts = FileSystem.split(path)
    let stem = FileSystem.join(parts.folder, ".\(parts.name)")
    let (text, sound) = (stem + ".txt", stem + ".partial")
    defer { for file in [text, sound] { FileSystem.discard(file) } }
    try AtomicFile.write(Array(words.utf8), to: text)
    let ending = ChildProcess.run(Self.program, ["-v", voice, "-f", text, "-w", sound])
    guard ending == .exit(0), FileSystem.isFile(sound) else {
      throw SpeechError.failed(path: path)
    }
    guard rename(sound, path) == 0 else { throw FormatError.cannotWrite(path: path, code: errno) }
  }
}

/// What can be wrong with reading aloud.
enum SpeechError: LanternError {
  /// The program is not installed.
  case missing
  /// It wrote nothing.
  case failed(path: String)

  var kind: ErrorKind {
    switch self {
    case .missing: .missing
    case .failed: .output
    }
  }

  var description: String {
    switch self {
    case .missing:
      "espeak-ng, which reads aloud, is not installed: install it (Debian: apt-get install espeak-ng), or give no "
        + "--speak"
    case .failed(let path):
      "\(path): espeak-ng wrote no sound: is the disk full, or its voice missing?"
    }
  }
}
