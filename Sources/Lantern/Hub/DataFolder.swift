import LanternPlatform

/// Where programs keep what they made for their user: `$XDG_DATA_HOME/lantern`, or `~/.local/share/lantern`.
package enum DataFolder {
  /// The path of a folder there; it need not be there yet.
  package static func path(_ name: String) -> String {
    let home = HubCache.variable("HOME") ?? "."
    let data = HubCache.variable("XDG_DATA_HOME") ?? FileSystem.join(home, ".local/share")
    return FileSystem.join(FileSystem.join(data, "lantern"), name)
  }
}
