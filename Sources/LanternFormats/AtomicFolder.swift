import LanternPlatform

/// Folders that appear whole or not at all: filled under another name next to it, then renamed.
package enum AtomicFolder {
  /// Makes a folder that `body` fills.
  ///
  /// - Parameters:
  ///   - path: where it is to be; nothing may be there.
  ///   - body: writes into the folder that it is given.
  /// - Throws: ``FormatError/cannotWrite(path:code:)``, or what `body` throws; nothing is there then.
  package static func write(to path: String, _ body: (_ folder: String) throws -> Void) throws {
    var target = path
    while target.utf8.count > 1, target.hasSuffix("/") { target.removeLast() }
    guard try !FileSystem.isTaken(target) else {
      throw FormatError.cannotWrite(path: path, code: FileSystem.fileExists)
    }
    let (parent, name) = FileSystem.split(target)
    let partial = FileSystem.join(parent, ".\(name).\(getpid()).partial")
    do {
      try FileSystem.makeFolder(partial)
      try body(partial)
      var code = FileSystem.sync(folder: partial)
      if code == 0, rename(partial, target) != 0 { code = errno }
      guard code == 0 else { throw FormatError.cannotWrite(path: path, code: code) }
    } catch {
      discard(partial)
      // Nobody knows the folder by the name that it has until it is whole.
      if case .cannotWrite(let file, let code)? = error as? FormatError, file.hasPrefix(partial) {
        throw FormatError.cannotWrite(path: target + file.dropFirst(partial.count), code: code)
      }
      throw error
    }
    _ = FileSystem.sync(folder: parent)
  }

  private static func discard(_ folder: String) {
    for name in (try? FileSystem.list(folder)) ?? [] {
      let path = FileSystem.join(folder, name)
      if FileSystem.isDirectory(path) { discard(path) } else { FileSystem.discard(path) }
    }
    FileSystem.discard(folder)
  }
}
