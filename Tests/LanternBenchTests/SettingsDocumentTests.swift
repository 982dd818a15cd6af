import Foundation
import Lantern
import LanternBench
import TestSupport
import Testing

/// docs/settings.md is made from the tables.
@Suite("Guide to settings") struct SettingsDocumentTests {
  @Test("docs/settings.md is what the tables say")
  func document() throws {
    let place = repositoryPath("docs/settings.md")
    let wanted = Self.document
    guard try String(contentsOfFile: place, encoding: .utf8) != wanted else { return }
    let new = FileManager.default.temporaryDirectory.appendingPathComponent("settings.md")
    try wanted.write(to: new, atomically: true, encoding: .utf8)
    Issue.record("docs/settings.md differs from the tables: \(new.path) is what it must be")
  }

  /// A table, of whose columns those that no setting fills are left out.
  private static func table<Request>(_ settings: [Setting<Request>], key: String) -> String {
    func code(_ texts: [String]) -> String {
      texts.map { "`\($0)`" }.joined(separator: ", ")
    }
    // What stands in angle brackets would be taken for a tag.
    func plain(_ text: String?) -> String {
      (text ?? "").replacingOccurrences(of: "<", with: "&lt;")
    }
    let head = [
      "setting", "option", key, "webui", "type", "range", "default", "what it does",
    ]
    let rows = settings.map { setting in
      let option = setting.option
      var names = option.map { ([$0.name] + $0.aliases).map { "--" + $0 } } ?? []
      if let short = option?.short { names.insert("-\(short)", at: 0) }
      var isOff = false
      if case .flag? = option?.kind { isOff = true }
      return [
        code([setting.name]), code(names), code(setting.key.map { [$0] } ?? []),
        code(setting.webUINames), setting.type, plain(setting.range),
        option?.defaultValue ?? (isOff ? "off" : ""), plain(option?.help),
      ]
    }
    let columns = head.indices.filter { column in rows.contains { !$0[column].isEmpty } }
    func line(_ cells: [String]) -> String {
      "| " + columns.map { cells[$0] }.joined(separator: " | ") + " |"
    }
    let rule = "|" + columns.map { _ in "---|" }.joined()
    return ([line(head), rule] + rows.map(line)).joined(separator: "\n")
  }

  /// The page: what is read by heart in the tables, for people.
  private static var document: String {
    """
    # Settings

    This page is made from the tables in `Sources/Lantern/Settings` and `Sources/LanternBench`, and a \
    test compares them. A default of none, or the model's own, is `nil` in Swift. The part of another \
    setting, as `apgMomentum`, stands in that setting's value.

    ## Of a picture

    What `ImageRequest` has, `lantern image` takes, and a picture's file has: the fields under \
    `parameters` as stable-diffusion-webui writes them, and the keys of the recipe under \
    `lantern`. In webui's text prompts stand in lines of their own; of several names the first is \
    written and all are read.

    \(table(ImageSetting.all, key: "recipe"))

    ## Of a story

    What `StoryRequest` has and `lantern story` takes. A page's picture says in webui's text what is \
    named here.

    \(table(StorySetting.all, key: "recipe"))

    ## Of a picture of masked codes

    What `TokenPictureRequest` has and `lantern paint` takes.

    \(table(TokenPictureSetting.all, key: "recipe"))

    ## Of a text

    What `LanguageRequest` has and `lantern write` takes.

    \(table(LanguageSetting.all, key: "recipe"))

    ## Of a bench of samplers

    What `lantern bench samplers` takes, and what `results.json` has under `settings`. Each of the first \
    four is drawn with each.

    \(table(BenchSetting.all, key: "results.json"))

    """
  }
}
