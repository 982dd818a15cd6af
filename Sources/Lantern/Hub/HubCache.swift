import LanternPlatform
import LanternFormats

/// The folder in which Python's `huggingface_hub` keeps what it fetched, and `lantern pull` too: where things
/// lie in it.
///
///     models--owner--name/refs/main                       the commit of a branch, 40 letters
///     models--owner--name/snapshots/COMMIT/unet/x.json    a link to ../../../blobs/ETAG
///     models--owner--name/blobs/ETAG                      a file's bytes
///     models--owner--name/.no_exist/COMMIT/x.json         empty: a file that is known to be missing
///     .locks/models--owner--name/ETAG.lock                locked while a file is fetched
package struct HubCache: Sendable {
  /// Path of the folder.
  package let root: String

  /// The cache in a folder.
  package init(root: String) { self.root = root }

  /// The cache that the environment names.
  ///
  /// - Parameter variable: the value of an environment variable.
  package init(_ variable: (String) -> String?) {
    let root = variable("HF_HUB_CACHE") ?? variable("HUGGINGFACE_HUB_CACHE")
    self.init(
      root: root.map { Self.expanded($0, variable) }
        ?? FileSystem.join(Self.home(variable), "hub"))
  }

  /// The cache of this process' environment.
  package static var standard: HubCache { HubCache(Self.variable) }

  /// The value of a variable of this process' environment; nil for none and for an empty one.
  package static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The folder of the hub's programs: cache and token.
  package static func home(_ variable: (String) -> String?) -> String {
    if let home = variable("HF_HOME") { return expanded(home, variable) }
    let caches =
      variable("XDG_CACHE_HOME") ?? FileSystem.join(variable("HOME") ?? ".", ".cache")
    return FileSystem.join(expanded(caches, variable), "huggingface")
  }

  /// A path whose first part may be `~`.
  private static func expanded(_ path: String, _ variable: (String) -> String?) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = variable("HOME") else { return path }
    return home + path.dropFirst()
  }

  /// The folder of a repository.
  package func folder(of repository: String) -> String {
    FileSystem.join(root, Self.folderName(repository))
  }

  /// The file of a file's bytes.
  package func blob(_ etag: String, of repository: String) -> String {
    FileSystem.join(folder(of: repository), "blobs/\(etag)")
  }

  /// The file that is locked while another is fetched.
  package func lock(_ etag: String, of repository: String) -> String {
    FileSystem.join(root, ".locks/\(Self.folderName(repository))/\(etag).lock")
  }

  /// The files of a commit, as they are called.
  package func snapshot(_ commit: String, of repository: String) -> String {
    FileSystem.join(folder(of: repository), "snapshots/\(commit)")
  }

  /// The file that says a branch's commit.
  package func revision(_ revision: String, of repository: String) -> String {
    FileSystem.join(folder(of: repository), "refs/\(revision)")
  }

  /// The file that says that another is known to be missing.
  package func absence(_ path: String, _ commit: String, of repository: String) -> String {
    FileSystem.join(folder(of: repository), ".no_exist/\(commit)/\(path)")
  }

  /// The commit that a name means here; nil where that is not known.
  package func commit(of reference: HubReference) -> String? {
    let revision = reference.revision ?? HubReference.mainRevision
    if HubReference.isCommit(revision) { return revision }
    let file = self.revision(revision, of: reference.repository)
    guard let bytes = try? FileSystem.read(file, limit: 256) else { return nil }
    let commit = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    return HubReference.isCommit(commit) ? commit : nil
  }

  /// Where a model, or a file of one, lies.
  ///
  /// - Returns: its path; nil where it is not here.
  package func path(of reference: HubReference) -> String? {
    guard let commit = commit(of: reference) else { return nil }
    let folder = snapshot(commit, of: reference.repository)
    guard let path = reference.path else {
      return FileSystem.isDirectory(folder) ? Self.onlyFile(of: folder) ?? folder : nil
    }
    let file = FileSystem.join(folder, path)
    return FileSystem.exists(file) ? file : nil
  }

  /// Where what people name lies: a path where something is there, or else a model's name on the hub.
  ///
  /// - Parameter name: as they wrote it.
  /// - Returns: its path; `name` as it is where it is no such name, which is left to those who read it.
  /// - Throws: `FormatError.missingFile` for a name that is not in the cache.
  package func located(_ name: String) throws(FormatError) -> String {
    guard !FileSystem.exists(name), let reference = HubReference(name),
      !FileSystem.isDirectory(FileSystem.split(reference.repository).folder)
    else { return name }
    if let path = path(of: reference) { return path }
    throw .missingFile(path: name, remedy: remedy(for: reference))
  }

  /// The same for what may be named or not.
  package func located(_ name: String?) throws(FormatError) -> String? {
    guard let name else { return nil }
    return try located(name) as String
  }

  private func remedy(for reference: HubReference) -> String {
    let others = (try? FileSystem.list(revision("", of: reference.repository))) ?? []
    if reference.revision == nil, commit(of: reference) == nil, !others.isEmpty {
      let names = others.map { "\(reference.repository)@\($0)" }.joined(separator: ", ")
      return "there are other revisions of it: give one of \(names)"
    }
    return "nor is there a model of the hub in \(root): "
      + "lantern pull \(reference.text) fetches it"
  }

  /// What people call what lies at a path: the repository for a model of the hub, whose folder is called after
  /// a commit, otherwise the name of the file or folder.
  package static func name(of path: String) -> String {
    var path = path[...]
    while path.utf8.count > 1, path.last == "/" { path.removeLast() }
    let name = FileSystem.split(String(path)).name
    guard HubReference.isCommit(name) else { return name }
    return repository(of: String(path)) ?? name
  }

  /// The repository that a path in such a cache belongs to; nil for other paths.
  package static func repository(of path: String) -> String? {
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated()
    where part.hasPrefix("models--") && index + 2 < parts.count && parts[index + 1] == "snapshots" {
      let names = part.dropFirst("models--".utf8.count).split(
        separator: "-", omittingEmptySubsequences: false)
      guard let split = names.firstIndex(of: "") else { return nil }
      return names[..<split].joined(separator: "-") + "/"
        + names[(split + 1)...].joined(separator: "-")
    }
    return nil
  }

  private static func folderName(_ repository: String) -> String {
    "models--" + repository.replacing("/", with: "--")
  }

  /// The one file of weights of a folder that says nothing of itself.
  private static func onlyFile(of folder: String) -> String? {
    let names = (try? FileSystem.list(folder)) ?? []
    let weights = names.filter { name in
      [".safetensors", ".ckpt", ".pt", ".pth", ".bin"].contains { name.lowercased().hasSuffix($0) }
    }
    guard weights.count == 1, !names.contains(where: { $0.hasSuffix("config.json") }),
      !names.contains("model_index.json")
    else { return nil }
    return FileSystem.join(folder, weights[0])
  }
}
