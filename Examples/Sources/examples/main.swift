import Lantern
import LanternExamples

// All of them, in the current folder: swift run -c release --package-path Examples examples
print("wrote", try await drawAPicture(into: "."))
if let picture = try await showProgress({ share, _ in print("\(Int(share * 100)) %") }) {
  print(try await askAbout(picture))
}
try await compareSamplers(["ddim", "dpm++2m", "euler"], to: "samplers.png")
print(try await tellAStory(into: "story"))
var tooMany = ImageRequest(prompt: "a fox")
tooMany.steps = 0
print(try problem(with: tooMany) ?? "nothing is wrong")
let numbers = try sampleADistribution(1000, sampler: "dpm++2m", steps: 12)
print("mean", numbers.reduce(0, +) / Float(numbers.count))
