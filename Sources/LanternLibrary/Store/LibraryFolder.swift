import Lantern
import LanternFormats
import LanternPlatform

/// The folder in which libraries lie, each a folder with its file: `NAME/library.sqlite`.
package struct LibraryFolder: Sendable {
  /// Path of the folder.
  package let path: String

  /// The libraries of a folder.
  package init(_ path: String) { self.path = path }

  /// The folder of a user's data: `$XDG_DATA_HOME/lantern/libraries`, or below `~/.local/share`.
  package static var standard: LibraryFolder { LibraryFolder(DataFolder.path("libraries")) }

  /// Names of the libraries, sorted.
  package var names: [String] {
    ((try? FileSystem.list(path)) ?? []).filter { FileSystem.isFile(file(of: $0)) }
  }

  /// The folder of a library.
  func folder(of name: String) -> String { FileSystem.join(path, name) }

  /// The file of a library.
  func file(of name: String) -> String { FileSystem.join(folder(of: name), Self.fileName) }

  /// - Throws: ``LibraryError/badName(_:)`` for what would lead elsewhere, or be hidden.
  static func check(_ name: String) throws(LibraryError) {
    let isFine = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."), 0x80...:
        true
      default: false
      }
    }
    guard isFine, !name.isEmpty, name.utf8.count <= 64, name.first != ".", name.first != "-" else {
      throw .badName(name)
    }
  }

  private static let fileName = "library.sqlite"

  /// Removes a library with all that is in it.
  ///
  /// - Throws: ``LibraryError/noLibrary(name:folder:nearest:)``, ``LibraryError/inUse(library:)``.
  package func remove(_ name: String) throws(LibraryError) {
    try Self.check(name)
    guard FileSystem.isFile(file(of: name)) else { throw missing(name) }
    let lock = try lock(name)
    discard(name)
    _ = consume lock
    guard !FileSystem.exists(file(of: name)) else {
      throw .cannotWrite(path: file(of: name), reason: "the system does not remove it")
    }
  }

  /// Removes a library's files, which the caller has locked.
  func discard(_ name: String) {
    for suffix in ["-wal", "-shm", ""] { FileSystem.discard(file(of: name) + suffix) }
    FileSystem.discard(folder(of: name))
  }

  /// The lock of those who write into a library, which is held as long as it lives.
  func lock(_ name: String) throws(LibraryError) -> FolderLock {
    do { return try FolderLock(folder(of: name)) } catch {
      if case .inUse = error { throw .inUse(library: name) }
      throw .format(error)
    }
  }

  func missing(_ name: String) -> LibraryError {
    .noLibrary(name: name, folder: path, nearest: Spelling.nearest(to: name, in: names))
  }
}
