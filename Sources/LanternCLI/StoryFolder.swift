import LanternPlatform
import Lantern
import LanternFormats
import LanternPictures

/// The folder that a story is written to, page by page: each file whole or not at all.
struct StoryFolder {
  /// Where it is.
  let path: String
  /// What is there for this story's sake, to be taken away where no page comes of it.
  private let claimed: [String]
  /// Reads pages aloud; nil for silence.
  private let speaker: Speaker?
  /// Sounds of pages, by their numbers.
  private var sounds: [Int: [UInt8]] = [:]

  private static let epub = "story.epub"

  /// Makes the folder; where it holds a story, one of its name with a number.
  ///
  /// - Parameters:
  ///   - wanted: its path.
  ///   - writing: whether files are replaced.
  ///   - book: the book without a page.
  ///   - speaker: reads pages aloud; nil for silence.
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  init(
    _ wanted: String, _ writing: WritingOptions, _ book: StoryBook, speaker: Speaker? = nil
  ) throws {
    self.speaker = speaker
    if writing.overwrites {
      try FileSystem.makeFolder(wanted)
      (path, claimed) = (wanted, [])
    } else {
      (path, claimed) = try Self.claim(wanted, book)
    }
  }

  /// Makes a folder that holds no story, and puts the beginning of one there: of two processes that want
  /// it one goes on to the next.
  private static func claim(_ wanted: String, _ book: StoryBook) throws -> (
    path: String, claimed: [String]
  ) {
    let stem = wanted.count > 1 && wanted.hasSuffix("/") ? String(wanted.dropLast()) : wanted
    let hasName = ![".", "..", ""].contains(FileSystem.split(stem).name)
    var number = 1
    while true {
      let path = number == 1 ? stem : "\(stem)-\(number)"
      let isNew = try !FileSystem.isTaken(path)
      try FileSystem.makeFolder(path)
      let text = FileSystem.join(path, "story.md")
      // Any picture that a story may have: nobody's is replaced.
      let numbers = 1...StorySetting.maximumPages
      let files =
        book.texts.map(\.name) + [epub] + numbers.map(StoryBook.pictureName)
        + numbers.map(StoryBook.soundName)
      if try !files.contains(where: { try FileSystem.isTaken(FileSystem.join(path, $0)) }) {
        do {
          try AtomicFile.write(Array(book.markdown.utf8), to: text, .create)
          return (path, isNew ? [text, path] : [text])
        } catch {
          let taken = FormatError.cannotWrite(path: text, code: FileSystem.fileExists)
          guard error == taken else { throw error }
        }
      }
      guard hasName else { throw FormatError.cannotWrite(path: text, code: FileSystem.fileExists) }
      number += 1
    }
  }

  /// Takes away what ``init(_:_:_:speaker:)`` put there, where no page came of it.
  func discard() { for path in claimed { FileSystem.discard(path) } }

  /// Writes a page's picture and sound, and the book as far as it goes.
  mutating func add(_ page: StoryPage, to book: inout StoryBook) throws -> String {
    var page = page
    if let speaker {
      let name = StoryBook.soundName(page.number)
      let sound = FileSystem.join(path, name)
      try speaker.speak(page.text, to: sound)
      page.audio = name
      sounds[page.number] = try FileSystem.read(sound, limit: 1 << 30)
    }
    let png = try book.add(page)
    let picture = FileSystem.join(path, StoryBook.pictureName(page.number))
    try AtomicFile.write(png, to: picture)
    for (name, text) in book.texts {
      try AtomicFile.write(Array(text.utf8), to: FileSystem.join(path, name))
    }
    return picture
  }

  /// Writes the whole book as an e-book.
  ///
  /// - Returns: its path.
  func writeEPUB(of book: StoryBook) throws -> String {
    let path = FileSystem.join(self.path, Self.epub)
    try AtomicFile.write(
      book.epub(modified: Timestamp.now, audio: sounds, path: path), to: path)
    return path
  }
}
