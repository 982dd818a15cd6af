import Lantern
package import LanternHub
package import LanternTensor

/// How a server is started.
package struct ServerConfiguration: Sendable {
  /// Where it listens.
  package var host = "127.0.0.1"
  /// The port; 0 for a free one.
  package var port = 7860
  /// The files of a certificate, with those that vouch for it, and of its private key, in PEM; HTTP without TLS when
  /// nil.
  package var certificate: (chain: String, key: String)?
  /// What callers must send; nil for nothing.
  package var token: String?
  /// Other origins whose pages may call; `*` for all.
  package var origins: [String] = []
  /// Models by name and path.
  package var models: [(name: String, path: String)] = []
  /// Folders whose models are served by the names of their files and folders.
  package var folders: [String] = []
  /// The folders of files that calls name.
  package var addOnFolders: [AddOns.Kind: String] = [:]
  /// How exactly the models compute.
  package var precision = Precision.default
  /// Bytes that loaded models may take together; as much as the system has when nil.
  package var memoryLimit: Int?
  /// Texts that a language model writes at once.
  package var slots = LanguageGenerator.standardParallel
  /// Pictures that may wait.
  package var queueLimit = 64
  /// The folder of what is kept of jobs; in memory when nil.
  package var store: String?
  /// Pictures that are kept after they were drawn; the oldest are removed beyond that.
  package var keptPictures = 2000
  /// The hub that models are fetched from; nil for none.
  package var hub: HubSettings?
  /// Bytes of a body at most.
  package var bodyLimit = 64 << 20

  package init() {}

  /// Whether only programs on this machine reach it.
  package var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }
}
