import Lantern
import LanternFormats
import LanternPlatform
import NIOHTTP1

/// One model on its way from a hub into the cache.
struct Pull: Sendable {
  let connection: HubConnection
  let onEvent: @Sendable (PullEvent) -> Void
  let name: RemoteModel.Name
  var repository: String { name.repository }
  var cache: HubCache { connection.settings.cache }
  private let reference: HubReference
  private let variant: String?

  private static let indexName = "model_index.json"
  /// Requests at a time.
  private static let width = 8

  init(
    _ reference: HubReference, variant: String?, _ connection: HubConnection,
    _ onEvent: @escaping @Sendable (PullEvent) -> Void
  ) {
    (self.reference, self.variant, self.connection) = (reference, variant, connection)
    self.onEvent = onEvent
    name = RemoteModel.Name(
      repository: reference.repository,
      revision: reference.revision ?? HubReference.mainRevision)
  }

  /// 1. What is there? 2. What of it makes the model? 3. How large is that? 4. Fetch what is missing. 5. Give
  /// the files their names. 6. Only then is the revision's name moved to this commit.
  func run() async throws -> String {
    let model = try await list()
    try tagCache()
    let paths = try await plan(model)
    let files = try await announced(paths, model)
    let missing = missing(files)
    try checkSpace(missing)
    onEvent(
      .found(
        model: name, licence: model.licence, files: files.count,
        byteCount: files.reduce(0) { $0 + $1.byteCount }, missing: bytes(of: missing)))
    var meter = PullMeter(total: bytes(of: missing), files: files.count, onEvent)
    for (index, file) in files.enumerated() {
      meter.file = index + 1
      let wasCached = try await fetch(file, model, &meter)
      onEvent(.file(path: file.path, byteCount: file.byteCount, wasCached: wasCached))
    }
    for file in files { try link(file, at: model.commit) }
    try moveRevision(to: model.commit)
    var found = reference
    found.revision = model.commit
    guard let path = cache.path(of: found) else {
      throw HubError.noWeights(repository: repository)
    }
    return path
  }

  private func list() async throws -> RemoteModel {
    let url = try url(
      "/api/models/\(repository)/revision/\(HubURL.encoded(name.revision))")
    return try await RemoteModel(name, connection.json(url, of: name), url: url.text)
  }

  /// Which files are wanted.
  private func plan(_ model: RemoteModel) async throws -> [String] {
    if let path = reference.path {
      let inside = model.paths.filter { $0.hasPrefix("\(path)/") }
      guard !model.paths.contains(path), !inside.isEmpty else {
        if let variant { onEvent(.note("variant \(variant) has no effect on one file")) }
        return [path]
      }
      let plan = try PullPlan(model, folder: path, variant: variant)
      plan.notes.forEach { onEvent(.note($0)) }
      return plan.paths
    }
    var index: JSONValue?
    if model.paths.contains(Self.indexName) {
      let files = try await announced([Self.indexName], model)
      for file in files {
        var meter = PullMeter(total: file.byteCount, files: 1) { _ in }
        _ = try await fetch(file, model, &meter)
        index = try JSON.read(cache.blob(file.etag, of: repository))
      }
    }
    let plan = try PullPlan(model, index: index, variant: variant)
    plan.notes.forEach { onEvent(.note($0)) }
    return plan.paths
  }

  /// Files as the hub announces them, in the order of their paths.
  private func announced(_ paths: [String], _ model: RemoteModel) async throws -> [RemoteFile] {
    try await withThrowingTaskGroup(of: RemoteFile.self) { group in
      var files: [RemoteFile] = []
      for (index, path) in paths.enumerated() {
        if index >= Self.width, let file = try await group.next() { files.append(file) }
        group.addTask { try await announced(path, model) }
      }
      for try await file in group { files.append(file) }
      return files.sorted { $0.path < $1.path }
    }
  }

  private func announced(_ path: String, _ model: RemoteModel) async throws -> RemoteFile {
    let answer = try await connection.send(
      .HEAD, url(path, model), leavesSite: false)
    guard (200..<400).contains(answer.status) else {
      let refusal = connection.refusal(answer, of: name, path: path)
      guard case .noFile = refusal else { throw refusal }
      // As Python has it: that it is missing is known without asking again.
      let mark = cache.absence(path, model.commit, of: repository)
      try FileSystem.makeFolder(FileSystem.split(mark).folder)
      try AtomicFile.write([], to: mark)
      throw HubError.noFile(
        path: path, repository: repository,
        nearest: Spelling.nearest(to: path, in: model.paths))
    }
    return try RemoteFile(path, answer)
  }

  /// The address of a file.
  func url(_ path: String, _ model: RemoteModel) throws -> HubURL {
    let parts = path.split(separator: "/").map { HubURL.encoded($0) }
    return try url("/\(repository)/resolve/\(model.commit)/\(parts.joined(separator: "/"))")
  }

  private func url(_ path: String) throws -> HubURL {
    let text = connection.settings.endpoint + path
    guard let url = HubURL(text) else {
      throw HubError.malformed(url: text, reason: "no address")
    }
    return url
  }

  /// Files that are not in the cache, each once.
  private func missing(_ files: [RemoteFile]) -> [RemoteFile] {
    var etags: Set<String> = []
    return files.filter { !isCached($0) && etags.insert($0.etag).inserted }
  }

  /// Bytes that are still to come.
  private func bytes(of files: [RemoteFile]) -> Int {
    files.reduce(0) {
      $0 + $1.byteCount - PartialBlob.byteCount(of: cache.blob($1.etag, of: repository), $1)
    }
  }

  private func checkSpace(_ missing: [RemoteFile]) throws(HubError) {
    let needed = bytes(of: missing)
    guard let free = FileSystem.freeByteCount(at: cache.root), needed > free else { return }
    throw .noSpace(folder: cache.root, needed: needed, free: free)
  }
}

/// Tells how far a pull is, now and then.
struct PullMeter {
  /// The number of the file that comes.
  var file = 1
  private let total: Int
  private let files: Int
  private let onEvent: @Sendable (PullEvent) -> Void
  private var done = 0
  private var last = ContinuousClock.now

  init(total: Int, files: Int, _ onEvent: @escaping @Sendable (PullEvent) -> Void) {
    (self.total, self.files, self.onEvent) = (total, files, onEvent)
  }

  /// Some bytes of the file are there.
  mutating func show(_ bytes: Int) {
    guard ContinuousClock.now - last > .milliseconds(100) else { return }
    last = .now
    onEvent(
      .progress(bytes: min(done + max(bytes, 0), total), of: total, file: file, files: files))
  }

  /// All bytes of the file are there.
  mutating func finish(_ bytes: Int) {
    done += bytes
    onEvent(.progress(bytes: min(done, total), of: total, file: file, files: files))
  }
}
