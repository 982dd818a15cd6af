import ArgumentParser
import Lantern

/// How large a picture is.
struct SizeOptions: SettingOptions {
  @Option(.width) var width: Int?
  @Option(.height) var height: Int?
}
