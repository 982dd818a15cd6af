import Foundation

/// The path of a file in `Tests/Fixtures`; `tools/fixtures` has the script that makes it.
package func fixture(_ name: String) -> String { repositoryPath("Tests/Fixtures/\(name)") }

/// The path of a file of the repository.
package func repositoryPath(_ path: String) -> String {
  let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
  return tests.deletingLastPathComponent().appendingPathComponent(path).path
}

/// Runs `body` with the path of a fresh folder, which is removed afterwards with all that is in it.
package func withTemporaryFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result
{
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("lantern-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The same for work that waits.
package func withTemporaryFolder<Result>(
  _ body: (_ path: String) async throws -> Result
) async throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("lantern-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder.path)
}
