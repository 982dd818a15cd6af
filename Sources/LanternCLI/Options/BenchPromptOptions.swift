import ArgumentParser
import LanternEvaluation
import Lantern
import LanternBench
import LanternModels

/// The prompts and seeds of a bench, and its judge.
struct BenchPromptOptions: SettingOptions {
  typealias Request = SamplerBench.Settings

  @Option(BenchSetting.prompts) var prompts: String?
  @Option(BenchSetting.seeds) var seeds: String?

  @Option(
    help: ArgumentHelp(
      "Who judges pictures in the picturebook's words. (default: the shipped judge)",
      valueName: "folder"), transform: FileArgument.named)
  var judge: String?

  /// The judge that is named, or the shipped one if there is one.
  func judgeFolder() -> String? {
    judge ?? (try? ModelLocation.judge.path())
  }

  /// Notes on prompts that the judge cannot read: a line each.
  func notes(_ judge: Judge?, _ settings: SamplerBench.Settings) -> [String] {
    guard let judge else { return [] }
    let texts = settings.prompts
    let strange = texts.count { PicturebookPrompt($0, knowing: judge.config) == nil }
    var notes: [String] = []
    if strange > 0 {
      notes.append(
        "accuracy is not measured for \(strange) of \(texts.count) prompts: the judge knows prompts in "
          + "the picturebook's words alone")
    }
    let sides = [settings.width, settings.height].compactMap { $0 }
    if let side = sides.first(where: { !judge.canRead(width: $0, height: $0) }) {
      notes.append(
        "accuracy is not measured: the judge reads no pictures with a side of \(side) pixels")
    }
    return notes
  }
}
