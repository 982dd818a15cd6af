/// The program's version.
package enum LanternVersion {
  /// As `lantern --version` says it, and pictures.
  package static let number = "0.2.0"
  /// As pictures say which program wrote them.
  package static let label = "lantern \(number)"
}
