import Foundation

/// The path of a file in `Tests/Fixtures`; `tools/fixtures` has the script that makes it.
package func fixture(_ name: String) -> String {
  let here = URL(fileURLWithPath: #filePath)
  let tests = here.deletingLastPathComponent().deletingLastPathComponent()
  return tests.appendingPathComponent("Fixtures/\(name)").path
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
